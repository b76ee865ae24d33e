import * as z from 'zod';
import type { ZodType } from 'zod';
import type { NetworkLimits, NetworkOptions, ProxyChoice } from '../http/network-options.ts';

/** What JSON can say of the network of one server. */
export const networkShape: ZodType<Omit<NetworkOptions, 'clientCertificates'>> = z.lazy(() => {
  const text = z.string().min(1);
  const count = z.int().min(1).optional();
  const limits: Record<keyof NetworkLimits, typeof count> = {
    connectMs: count,
    silenceMs: count,
    answerMs: count,
    bodyBytes: count,
    values: count,
    headerBytes: count,
    connections: count,
    waiting: count,
  };
  return z.strictObject({
    guard: z.strictObject({ allow: z.array(text).optional() }).optional(),
    proxy: z
      .custom<ProxyChoice>((value) => /^(?:environment|none|https?:\/\/.+)$/u.test(String(value)))
      .optional(),
    ca: z.union([text, z.array(text)]).optional(),
    clientCertificate: z.strictObject({ cert: text, key: text, passphrase: text.optional() }).optional(),
    limits: z.strictObject(limits).optional(),
  });
});
