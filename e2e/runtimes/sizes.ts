/** What a Worker carries of us, in bytes: minified, and compressed as gzip does. A tenth more fails. */
export const sizes: Readonly<Record<string, readonly [minified: number, compressed: number]>> = {
  'postern/client': [813_000, 251_000],
  'postern/oob': [640_000, 197_000],
  'postern/browser-sign-in': [304_000, 98_500],
  'postern/storage/d1': [24_200, 8_900],
};
