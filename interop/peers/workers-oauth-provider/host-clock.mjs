// The Worker's time is its host's: a Worker cannot be told of a message, and asks at every request.
const RealDate = Date;
let aheadMs = 0;
const now = () => RealDate.now() + aheadMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key, target)),
});

export function setNow(nowMs) {
  aheadMs = nowMs - RealDate.now();
}
