// What repartee.js exports, its options and events. Not loaded by any page.

export interface Options {
  /** The server's URL. Default: where the module came from. */
  server?: string;
  /** Name of the agent. Default: the server's first. */
  agent?: string;
  /** An access token, or what fetches one; a function is asked again when the token has expired. */
  token?: string | (() => Promise<string>);
  /**
   * false: the user types. A string: the deviceId. A stream stays yours: it is not stopped.
   * Default true: the browser's choice.
   */
  microphone?: boolean | string | MediaStream;
  /** What plays the agent. Default: an element of its own. */
  audio?: HTMLAudioElement | null;
  /**
   * What the agent may call in this page, by name. What is returned goes back to the agent as
   * JSON; an exception tells it that the function failed, and why.
   */
  functions?: Record<string, (args: Record<string, unknown>) => unknown>;
  /** Told to the agent with the call (request_data). */
  data?: Record<string, unknown>;
  /** The microphone is closed unless `talking`. */
  pushToTalk?: boolean;
  /** STUN and TURN. Default: what the server tells. */
  iceServers?: RTCIceServer[];
}

/** A sentence for the user, and a short name for programs. */
export class Failure extends Error {
  /**
   * The microphone: insecure, denied, no-microphone, microphone-busy, microphone. Access:
   * unauthorised, expired, token, forbidden, origin. The server: full, no-agent, refused,
   * unreachable, no-path, network-lost, server-restarted. Else: unsupported, autoplay, agent,
   * hung-up.
   */
  readonly kind: string;
  /** full: seconds to wait, as the server proposes. */
  readonly retryAfter?: number;
}

export type State = 'idle' | 'asking' | 'connecting' | 'listening' | 'hearing' | 'thinking' |
  'speaking' | 'reconnecting' | 'ended' | 'failed';

/** Name of the CustomEvent and its detail. On <repartee-agent> they are called repartee-NAME. */
export interface ConversationEvents {
  state: { state: State };
  /** What is being understood; replaced until it is final. */
  userText: { text: string; final: boolean };
  /** A turn as the agent was given it. Typed text comes when it is sent. */
  userTurn: { text: string; typed: boolean };
  /** A sentence as it is heard: `heard` grows, `remaining` shrinks. */
  agentText: {
    segment: string;
    text: string;
    heard: string;
    remaining: string;
    status: 'new' | 'in-progress' | 'completed' | 'interrupted';
    /** false: only written. */
    spoken: boolean;
  };
  /** The user cut the agent short. */
  interrupted: { heard: string };
  /** Of one turn; any of them. */
  metrics: Partial<Record<'voice_to_voice_ms' | 'turn_decision_ms' | 'stt_ms' | 'llm_ttft_ms' |
    'tts_ttfa_ms' | 'barge_in_stop_ms', number>>;
  /** The agent calls a function, of this page or of its own. */
  tool: {
    id: string;
    name: string;
    status: 'started' | 'done' | 'cancelled';
    arguments?: unknown;
    result?: unknown;
  };
  /** The agent has nothing to say to that. */
  silent: { reason: string };
  /** The call goes on. null: the last one is over. */
  problem: { failure: Failure | null };
  /** Each second. loss: 0 to 1, of the worse direction. */
  quality: {
    level: 'good' | 'fair' | 'poor';
    /** Packets of the last second. */
    received: number;
    rtt_ms: number | null;
    loss: number;
    jitter_ms: number | null;
    jitter_buffer_ms: number | null;
  };
  /** Another one; null: unplugged. */
  microphone: { stream: MediaStream | null };
  voice: { stream: MediaStream };
  /** Nothing comes after it. null: somebody hung up. */
  ended: { failure: Failure | null };
}

export class Conversation extends EventTarget {
  constructor(options?: Options);
  readonly state: State;
  readonly agent: string | null;
  readonly microphone: MediaStream | null;
  /** The agent's voice, for meters. */
  readonly voice: MediaStream | null;
  readonly peerConnection: RTCPeerConnection | null;
  muted: boolean;
  pushToTalk: boolean;
  /** With pushToTalk: the button is held. The agent stops speaking. */
  talking: boolean;
  /** Resolves when the agent is there; rejects with the Failure that "ended" tells too. */
  start(): Promise<void>;
  /** The agent stops speaking and answers. May be called before start() has resolved. */
  sendText(text: string): void;
  /** The agent stops speaking. */
  interrupt(): void;
  /** A question to the agent's program, as t = "conversation". Rejects after 10 s. */
  request(t: string, d?: unknown): Promise<unknown>;
  /** Of 0-9, * and #. */
  sendDigits(digits: string): void;
  hangUp(): void;
  /** Another microphone, in mid-call too. */
  setMicrophone(deviceId?: string): Promise<void>;
  addEventListener<K extends keyof ConversationEvents>(type: K,
    listener: (event: CustomEvent<ConversationEvents[K]>) => void,
    options?: boolean | AddEventListenerOptions): void;
}

/** Calls an agent. Resolves when it is there; rejects with a Failure. */
export function connect(options?: Options): Promise<Conversation>;

export function listAgents(options?: Pick<Options, 'server' | 'token'>): Promise<{
  agents: { name: string; title: string; description?: string }[];
  default: string;
  iceServers: RTCIceServer[];
}>;

/**
 * The button with its panel: <repartee-agent agent="reception"></repartee-agent>. Attributes, on the
 * one tag as data-…:
 *   agent, token      as above
 *   token-url         the site's own endpoint, that answers {"token": "…"}
 *   label             of the button
 *   color             of the button, any of CSS
 *   theme             light, dark; otherwise as the browser has it
 *   position          bottom-right (default), bottom-left, top-right, top-left, inline
 *   open              shows the panel at once
 *   microphone        "off": the user types
 *   push-to-talk
 *   request-data      JSON: `data` above
 * and on the tag alone: data-target, a selector of what the panel is put in (inline).
 * The tag's src must be the script's own address, not one that leads there by a redirect.
 * Events bubble: repartee-open, repartee-close and those of the conversation, as repartee-state.
 */
export interface ReparteeAgent extends HTMLElement {
  functions: NonNullable<Options['functions']>;
  readonly conversation: Conversation | null;
  open(): Promise<void>;
  close(): void;
  start(): Promise<void>;
  hangUp(): void;
}
