/** What a browser says of a request that a person makes by going somewhere: an address typed in, a link followed. */
export const ownNavigation: Readonly<Record<string, string>> = {
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-user': '?1',
};
