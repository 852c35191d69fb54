// Calls of the REST API, typed by the exchange's own OpenAPI document.
//
//   const { data } = await rest.call("get", "/markets/{slug}", { path: { slug } });
//
// Laws: a token goes along where there is one; one that has run out is renewed once and the call
// sent again, which is safe since it was refused before it was looked at; unless the new one is somebody
// else's, who asked for nothing. Everything that fails is an ApiError.

import { ApiError } from "./errors";
import type { paths } from "./schema";

export type Method = "get" | "post" | "put" | "patch" | "delete";

type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;
/** The paths that take a method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, object> ? P : never;
}[keyof paths];

type Content<R> = R extends { content: { "application/json": infer Body } } ? Body : never;
/** The envelope that a call is answered with. */
export type AnswerOf<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { responses: infer R } ? Content<R[keyof R]> : never;
/** What is inside the envelope. */
export type DataOf<P extends keyof paths, M extends Method> =
  AnswerOf<P, M> extends { data: infer D } ? D : never;

type Part<O, K extends string> = O extends { parameters: Record<K, infer Q> } ? Q : never;
type BodyOf<O> = O extends { requestBody: { content: { "application/json": infer B } } }
  ? B
  : O extends { requestBody?: { content: { "application/json": infer B } } }
    ? B
    : never;

export interface Options<P extends keyof paths, M extends Method> {
  readonly path?: Record<string, string>;
  readonly query?: Partial<Record<keyof NonNullable<Part<Operation<P, M>, "query">>, string | number | boolean | undefined>>;
  readonly body?: BodyOf<Operation<P, M>>;
  readonly signal?: AbortSignal;
  /** Send no token and renew none, e.g. while one is being had. */
  readonly anonymous?: boolean;
}

/** What of the options goes out, whatever the route. */
interface Sent {
  readonly path?: Record<string, string>;
  readonly query?: object;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly anonymous?: boolean;
}

/** Where tokens come from; `renew` returns null when the session is over. */
export interface Tokens {
  current(): string | null;
  /** Whose they are just now, by account. */
  owner(): string | null;
  renew(): Promise<string | null>;
}

const NOBODY: Tokens = { current: () => null, owner: () => null, renew: () => Promise.resolve(null) };
const UNAUTHORIZED = 401;
const NO_CONTENT = 204;

export class RestClient {
  private tokens: Tokens = NOBODY;

  constructor(
    private readonly base = "/api/v1",
    private readonly fetcher: typeof fetch = (...request) => fetch(...request),
  ) {}

  /** Say where tokens come from. */
  useTokens(tokens: Tokens): void {
    this.tokens = tokens;
  }

  /** Call a route; throws ApiError. */
  async call<M extends Method, P extends PathOf<M>>(
    method: M,
    path: P,
    options: Options<P, M> = {},
  ): Promise<AnswerOf<P, M>> {
    return (await opened(await this.answered(method, path, options))) as AnswerOf<P, M>;
  }

  /** Read a file that a route answers with, e.g. a table; throws ApiError, also if it breaks off. */
  async file<P extends PathOf<"get">>(path: P, options: Options<P, "get"> = {}): Promise<string> {
    const answer = await this.answered("get", path, options);
    if (!answer.ok) await opened(answer);
    return answer.text().catch(() => {
      throw new ApiError("OFFLINE", "The file broke off");
    });
  }

  private async answered(method: Method, path: string, options: Sent): Promise<Response> {
    const token = options.anonymous === true ? null : this.tokens.current();
    const owner = this.tokens.owner();
    const answer = await this.send(method, path, options, token);
    if (answer.status !== UNAUTHORIZED || token === null) return answer;
    const renewed = await this.tokens.renew();
    return renewed === null || this.tokens.owner() !== owner ? answer : this.send(method, path, options, renewed);
  }

  private async send(
    method: Method,
    path: string,
    options: Sent,
    token: string | null,
  ): Promise<Response> {
    const headers: Record<string, string> = { "X-Requested-With": "probity-terminal" };
    if (token !== null) headers["Authorization"] = `Bearer ${token}`;
    const init: RequestInit = { method: method.toUpperCase(), headers, credentials: "same-origin" };
    if (options.body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(options.body);
    }
    if (options.signal !== undefined) init.signal = options.signal;
    try {
      return await this.fetcher(this.base + addressOf(path, options.path ?? {}, options.query ?? {}), init);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new ApiError("OFFLINE", "The exchange can't be reached");
    }
  }
}

/** Put values into a path and its query; raises what is missing, leaves out what is undefined. */
export function addressOf(path: string, values: Record<string, string>, query: object): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${path} needs ${name}`);
    return encodeURIComponent(value);
  });
  const asked = Object.entries(query as Record<string, unknown>).filter(([, value]) => value !== undefined);
  if (asked.length === 0) return filled;
  return `${filled}?${new URLSearchParams(asked.map(([key, value]) => [key, String(value)])).toString()}`;
}

interface Refused {
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly details: ApiError["details"];
    readonly retryAfter?: number;
    readonly secondFactor?: ApiError["secondFactor"];
  };
  readonly meta?: { readonly requestId: string };
}

async function opened(answer: Response): Promise<unknown> {
  if (answer.status === NO_CONTENT) return { success: true, data: null };
  let envelope: Refused;
  try {
    envelope = (await answer.json()) as Refused;
  } catch {
    throw new ApiError("BROKEN_ANSWER", `The answer (${answer.status}) isn't JSON`, answer.status);
  }
  if (answer.ok) return envelope;
  const error = envelope.error;
  const wait = Number(answer.headers.get("retry-after") ?? error?.retryAfter ?? Number.NaN);
  throw new ApiError(
    error?.code ?? "BROKEN_ANSWER",
    error?.message ?? answer.statusText,
    answer.status,
    error?.details ?? [],
    Number.isFinite(wait) ? wait : null,
    envelope.meta?.requestId ?? null,
    error?.secondFactor ?? null,
  );
}

/** The client of this page. */
export const rest = new RestClient();
