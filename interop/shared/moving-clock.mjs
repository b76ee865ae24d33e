// Loaded before a peer or an agent: its parent can move its time forward, so that what expires does so by the
// peer's own judgement and nobody waits for it. It also ends the process when its parent is gone.
const RealDate = Date;
let aheadMs = Number(process.env.INTEROP_CLOCK_AHEAD_MS ?? 0);
const now = () => RealDate.now() + aheadMs;

globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now()).toString(),
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key, target)),
});

process.on('message', (message) => {
  if (typeof message?.aheadMs !== 'number') return;
  aheadMs = message.aheadMs;
  process.send({ id: message.id });
});
process.on('disconnect', () => process.exit(0));
