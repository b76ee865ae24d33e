import type { Guard } from './guard.ts';

/** How long is waited for the other side, and how much is taken from it. Times in milliseconds. */
export interface NetworkLimits {
  /** Until a connection is there, TLS included. Default 10,000. */
  readonly connectMs?: number | undefined;
  /** Between any two bytes of an answer, and before the first: a tool may take its time. Default 300,000. */
  readonly silenceMs?: number | undefined;
  /** For a whole answer, unless it is a stream of events. Default 600,000. */
  readonly answerMs?: number | undefined;
  /** Of an answer, decoded; of a stream of events, of each event. Default 16 MiB. */
  readonly bodyBytes?: number | undefined;
  /**
   * In an answer of JSON, or in one event: objects, lists and their members. Parsing them keeps everybody else waiting, about
   * a tenth of a second for as many as there may be. Default 250,000.
   */
  readonly values?: number | undefined;
  /** Of the headers of an answer. Default 32 KiB. */
  readonly headerBytes?: number | undefined;
  /** To one origin at once; further requests wait for their turn. Default 1,024. */
  readonly connections?: number | undefined;
  /** That wait for their turn at one origin; a further one fails at once. Default 10,000. */
  readonly waiting?: number | undefined;
}

/** A certificate by which a client shows who it is, and its key, both PEM. @see RFC 8705 */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: string | undefined;
}

/** A URL of a proxy, or a word for where it is said. */
export type ProxyChoice = 'environment' | 'none' | `http://${string}` | `https://${string}`;

/** How requests leave this process. Certificates of clients, proxies, authorities and limits are for Node. */
export interface NetworkOptions {
  /** Which addresses may be connected to. Left out: every one. */
  readonly guard?: Guard | undefined;
  /**
   * The proxy that requests go through: its URL, or `environment` for what `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
   * Loopback is never proxied. Default `environment`.
   */
  readonly proxy?: ProxyChoice | undefined;
  /** Certificates of authorities that are trusted besides those of the system and of `NODE_EXTRA_CA_CERTS`, PEM. */
  readonly ca?: string | readonly string[] | undefined;
  /** Shown to whoever asks for one. */
  readonly clientCertificate?: ClientCertificate | undefined;
  /**
   * By issuer, as a server names it: shown at its endpoints, and to the servers that its tokens are for, and nowhere else. Our
   * client there is one with mutual TLS, which goes to `mtls_endpoint_aliases`, and whose tokens may be bound to the
   * certificate. For one server, its own `clientCertificate` goes before.
   *
   * @see RFC 8705
   * @example
   * clientCertificates: { 'https://login.bank.example': { cert, key } }
   */
  readonly clientCertificates?: Readonly<Record<string, ClientCertificate>> | undefined;
  readonly limits?: NetworkLimits | undefined;
}

/** The one place where requests leave the process. */
export interface Network {
  readonly fetch: typeof globalThis.fetch;
  /** The same, but for what is given. Asked for again with the same object, the same network; closed with this one. */
  with(options: NetworkOptions): Network;
  /** Whether there is a certificate for this very issuer. */
  readonly hasCertificateFor: (issuer: string) => boolean;
  /** Closes connections that are idle. What is under way is not ended. */
  close(): Promise<void>;
}
