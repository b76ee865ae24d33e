/**
 * Whether a value is a `Response`, of whichever class: servers for Node put one of their own in the global's place, and
 * what was made before, or comes from `fetch`, is none of those.
 */
export function isResponse(value: unknown): value is Response {
  return Object.prototype.toString.call(value) === '[object Response]';
}
