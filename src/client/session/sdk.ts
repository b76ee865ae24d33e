import type * as Sdk from '@modelcontextprotocol/client';

type ErrorName =
  | 'InsufficientScopeError'
  | 'ProtocolError'
  | 'SdkError'
  | 'SdkHttpError'
  | 'UnsupportedProtocolVersionError'
  | 'UrlElicitationRequiredError';

let loaded: typeof Sdk | undefined;

/** The SDK, of which the first connection is the first to need anything: it is most of what importing this package would cost. */
export async function loadSdk(): Promise<typeof Sdk> {
  return (loaded ??= await import('@modelcontextprotocol/client'));
}

/** The error itself, when it is one of the SDK's of that name. Before the SDK is loaded, none is. */
export function asSdk<Name extends ErrorName>(
  name: Name,
  error: unknown,
): InstanceType<(typeof Sdk)[Name]> | undefined {
  const known = loaded?.[name] as { isInstance(value: unknown): boolean } | undefined;
  return known?.isInstance(error) === true ? (error as InstanceType<(typeof Sdk)[Name]>) : undefined;
}

/** By its name, how an error of the SDK's own is coded. */
export function sdkCodeIn(error: unknown): keyof typeof Sdk.SdkErrorCode | undefined {
  const code = asSdk('SdkError', error)?.code;
  const names = Object.entries(loaded?.SdkErrorCode ?? {});
  return names.find(([, value]) => value === code)?.[0] as keyof typeof Sdk.SdkErrorCode | undefined;
}
