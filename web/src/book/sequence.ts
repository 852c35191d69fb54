// What to do with each message of one market's feed: the machine of docs/market-data.md.
//
//   begun     waiting for the first snapshot
//   live      every message so far was the next one
//   resyncing something was missed: a subscription is on its way that mends it
//
// Laws: pure: messages in, what to do out; nothing of sockets, clocks or the book's levels in here.
// What is missed is never papered over: the machine stays `resyncing` until a snapshot comes or the
// messages missed do.

export type Kind = "snapshot" | "delta";
export interface Stamp {
  readonly epoch: number;
  readonly seq: number;
  readonly prevSeq: number | null;
  readonly kind: Kind;
}
/** What to do: take it as a whole, put it in, leave it out, or ask for what is missing. */
export type Step = "replace" | "apply" | "ignore" | "resync";
export type Phase = "begun" | "live" | "resyncing";

export class Sequence {
  phase: Phase = "begun";
  epoch = 0;
  seq = 0;
  /** How often something had to be mended. */
  resyncs = 0;

  /** Judge a book message. */
  take(stamp: Stamp): Step {
    if (stamp.kind === "snapshot") {
      if (this.phase === "live" && stamp.epoch === this.epoch && stamp.seq < this.seq) return "ignore";
      this.epoch = stamp.epoch;
      this.seq = stamp.seq;
      this.phase = "live";
      return "replace";
    }
    if (this.phase === "begun") return "ignore";
    if (stamp.epoch !== this.epoch) return this.lose();
    if (stamp.seq <= this.seq) return "ignore";
    if (stamp.prevSeq !== this.seq) return this.lose();
    this.seq = stamp.seq;
    this.phase = "live";
    return "apply";
  }

  /** Judge a heartbeat's entry of the market. */
  hear(epoch: number, seq: number): Step {
    if (this.phase !== "live") return "ignore";
    return epoch !== this.epoch || seq > this.seq ? this.lose() : "ignore";
  }

  /** Say that what is held is wrong: the checksum said so, or the line was cut. */
  lose(): Step {
    if (this.phase === "resyncing") return "ignore";
    this.phase = this.phase === "begun" ? "begun" : "resyncing";
    this.resyncs += 1;
    return "resync";
  }

  /** Take it that nothing was missed after all: the exchange has said so. */
  settle(): void {
    if (this.phase === "resyncing") this.phase = "live";
  }

  /** Trust nothing that is held: only a snapshot helps. */
  forget(): void {
    this.phase = "begun";
  }

  /** What to subscribe with: from where to go on, nothing if a snapshot has to come. */
  get resumeFrom(): { afterSeq: number; epoch: number } | null {
    return this.phase === "begun" ? null : { afterSeq: this.seq, epoch: this.epoch };
  }
}
