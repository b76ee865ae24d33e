import * as z from 'zod';
import type { Pending } from '../../pending/pending.ts';
import type { InteractionData } from '../flow.ts';

/** What a person enters, and where, to sign in with a code from any device. For them alone. */
export interface SignInCode {
  readonly userCode: string;
  readonly verificationUri: string;
  /** The same address with the code in it, where the server has one. */
  readonly verificationUriComplete?: string | undefined;
}

const withCode = z.lazy(() =>
  z.looseObject({
    code: z.looseObject({
      device: z.looseObject({
        userCode: z.string(),
        verificationUri: z.string(),
        verificationUriComplete: z.string().optional(),
      }),
    }),
  }),
);

/** Whether the data of a sign-in holds a code that somebody has to ask after. */
export function hasCode(data: unknown): boolean {
  return withCode.safeParse(data).success;
}

/** The code by which a live sign-in can be finished, where one was asked for. */
export function findSignInCode({ data }: Pending<InteractionData>): SignInCode | undefined {
  const { data: found } = withCode.safeParse(data?.data);
  if (found === undefined) return undefined;
  const { userCode, verificationUri, verificationUriComplete } = found.code.device;
  return {
    userCode,
    verificationUri,
    ...(verificationUriComplete !== undefined && { verificationUriComplete }),
  };
}
