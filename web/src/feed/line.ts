// The one connection of this page: it comes back by itself, says how it is, and carries questions.
//
// Laws: no heartbeat for four seconds means the line is dead, whatever the browser thinks; a token
// that is renewed is told without a new connection; whoever signs in or out gets a new one. Time
// asleep counts as silence.

import { effect, signal } from "@preact/signals";
import { io, type Socket } from "socket.io-client";
import { ApiError } from "@/api/errors";
import { token, user } from "@/session/session";
import type { Heard, Heartbeat } from "./messages";

export type LineState = "connecting" | "live" | "stale" | "down";

const DEAD_MS = 4_000;
const STALE_MS = 2_500;
const CHECK_MS = 500;
const ANSWER_MS = 10_000;
const PAUSE_MS = 1_000;

interface Refused {
  readonly code: string;
  readonly message: string;
  readonly details: ApiError["details"];
  readonly retryAfter?: number;
}
type Acknowledged = { readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly error: Refused };
type Listener = (message: never) => void;

/** The clock of ages on screen, twice a second. */
export const now = signal(Date.now());

export class Line {
  readonly state = signal<LineState>("connecting");
  /** When something was heard last, by this machine's clock. */
  readonly heardAt = signal(0);
  /** How long a question takes to the exchange and back, in milliseconds. */
  readonly roundTripMs = signal<number | null>(null);
  /** How often the line has been made anew. */
  readonly connections = signal(0);
  private socket: Socket | null = null;
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly openings = new Set<() => void>();
  private who: string | null = null;

  /** Connect, and stay connected until the page is gone. */
  start(): void {
    if (this.socket !== null) return;
    this.connect();
    setInterval(() => this.check(), CHECK_MS);
    setInterval(() => void this.measure(), DEAD_MS);
    addEventListener("online", () => this.again());
    effect(() => {
      const held = token.value;
      const id = user.value?.id ?? null;
      if (id !== this.who) this.again();
      else if (held !== null && this.socket?.connected === true) this.socket.emit("session:authenticate", { token: held }, () => undefined);
    });
  }

  private connect(): void {
    this.who = user.peek()?.id ?? null;
    const socket = io({
      path: "/ws",
      transports: ["websocket"],
      forceNew: true,
      reconnectionDelay: PAUSE_MS / 4,
      reconnectionDelayMax: PAUSE_MS * 4,
      auth: (send) => send({ token: token.peek() ?? undefined }),
    });
    this.socket = socket;
    socket.on("connect", () => {
      this.connections.value += 1;
      this.heardAt.value = Date.now();
      this.state.value = "live";
      for (const open of this.openings) open();
      void this.measure();
    });
    socket.on("disconnect", () => {
      this.state.value = "down";
    });
    socket.on("connect_error", (error: Error & { data?: { retryAfter?: number } }) => {
      this.state.value = "down";
      // A refusal, unlike a failure, isn't tried again by the library.
      if (!socket.active) setTimeout(() => socket === this.socket && socket.connect(), PAUSE_MS * (error.data?.retryAfter ?? 1));
    });
    socket.onAny((event: string, message: unknown) => this.hear(event, message));
  }

  private hear(event: string, message: unknown): void {
    const now = Date.now();
    // What waited while the page slept says how it was: the line that comes says how it is. A line that doesn't
    // stand yet has heard nothing for as long as it likes.
    const stood = this.state.peek() === "live" || this.state.peek() === "stale";
    if (this.socket !== null && stood && now - this.heardAt.peek() > DEAD_MS) {
      this.again();
      return;
    }
    this.heardAt.value = now;
    if (event === "heartbeat") this.state.value = (message as Heartbeat).stale === true ? "stale" : "live";
    for (const listener of this.listeners.get(event) ?? []) listener(message as never);
  }

  private check(): void {
    now.value = Date.now();
    const silence = now.value - this.heardAt.peek();
    if (this.state.peek() === "live" && silence > STALE_MS) this.state.value = "stale";
    if (this.socket?.connected === true && silence > DEAD_MS) this.again();
  }

  /** Make the line anew. */
  again(): void {
    if (this.socket === null) return;
    this.socket.removeAllListeners();
    this.socket.offAny();
    this.socket.disconnect();
    this.state.value = "connecting";
    this.connect();
  }

  private async measure(): Promise<void> {
    if (this.socket?.connected !== true) return;
    const begun = performance.now();
    await this.ask("ping").then(
      () => (this.roundTripMs.value = performance.now() - begun),
      () => (this.roundTripMs.value = null),
    );
  }

  /** Call `listener` for each message of an event; returns how to stop. */
  on<E extends keyof Heard>(event: E, listener: (message: Heard[E]) => void): () => void {
    const all = this.listeners.get(event) ?? new Set<Listener>();
    this.listeners.set(event, all.add(listener));
    return () => all.delete(listener);
  }

  /** Call `open` now if the line stands, and whenever it does anew; returns how to stop. */
  onOpen(open: () => void): () => void {
    this.openings.add(open);
    if (this.isOpen) open();
    return () => this.openings.delete(open);
  }

  get isOpen(): boolean {
    return this.socket?.connected === true;
  }

  /** Send an event and wait for its answer's data; throws ApiError, `OFFLINE` if none comes. */
  async ask(event: string, payload?: object): Promise<unknown> {
    const socket = this.socket;
    if (socket?.connected !== true) throw new ApiError("OFFLINE", "The line to the exchange is down");
    let answer: Acknowledged;
    try {
      const sent = payload === undefined ? [] : [payload];
      answer = (await socket.timeout(ANSWER_MS).emitWithAck(event, ...sent)) as Acknowledged;
    } catch {
      throw new ApiError("OFFLINE", "No answer came from the exchange");
    }
    if (answer.ok) return answer.data;
    const { code, message, details, retryAfter } = answer.error;
    throw new ApiError(code, message, 0, details, retryAfter ?? null);
  }
}

export const line = new Line();
