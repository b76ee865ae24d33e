/** A Lua script, which Redis runs as a whole and alone. */
export interface RedisScript {
  readonly text: string;
  /** The SHA-1 of the text, in hexadecimal: the name by which the server knows it. */
  readonly sha: () => Promise<string>;
}

function script(text: string): RedisScript {
  let sha: Promise<string> | undefined;
  return { text, sha: () => (sha ??= sha1(text)) };
}

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text));
  return Buffer.from(digest).toString('hex');
}

/** Numbers would lose digits on their way through Lua, so times that Redis keeps stay texts. */
const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function isOver(expires)
  return expires ~= '' and tonumber(expires) <= now
end
`;

/** The time, in milliseconds. KEYS: one of the partition whose server is asked. */
export const timeScript: RedisScript = script(`${clock}
return now
`);

/**
 * The entry, or nothing.
 *
 * KEYS: the entry. A script rather than GET, because clients may send a GET to a replica, which may be behind.
 */
export const getScript: RedisScript = script(`${clock}
local value = redis.call('GET', KEYS[1])
if value and isOver(string.match(value, '^1;[^;]*;(%d*);') or '') then return false end
return value
`);

/**
 * A list: the path at which the next call goes on, or an empty text; then path and entry of each one found.
 *
 * KEYS: index, expiries. ARGV: after, before (both exclusive), how many entries at most, how many paths to look at.
 * Paths whose entries have gone are taken out of the index, if writing is possible just now.
 */
export const listScript: RedisScript = script(`${clock}
local entries = string.sub(KEYS[1], 1, -2) .. 'e:'
local after, limit, looks = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local found = { '' }
local count = 0
while true do
  local batch = math.min(limit - count, looks)
  if batch == 0 then
    if count < limit then found[1] = after end
    return found
  end
  local paths = redis.call('ZRANGEBYLEX', KEYS[1], '(' .. after, '(' .. ARGV[2], 'LIMIT', 0, batch)
  for _, path in ipairs(paths) do
    local value = redis.call('GET', entries .. path)
    if not value then
      redis.pcall('ZREM', KEYS[1], path)
      redis.pcall('ZREM', KEYS[2], path)
    elseif not isOver(string.match(value, '^1;[^;]*;(%d*);') or '') then
      count = count + 1
      found[#found + 1] = path
      found[#found + 1] = value
    end
    after = path
  end
  if #paths < batch then return found end
  looks = looks - batch
end
`);

/**
 * All of the changes or none: `1`, or `0` when an expectation failed, or `-1` when it came too late to be wanted;
 * then the time by the server's clock.
 *
 * KEYS: index, expiries, then the entry of each change. ARGV: the latest time at which to do it, how many expired paths
 * to clear, then four texts for each change: path; expectation (nothing, `a` for absence, or `v` and a version); expiry,
 * or nothing; the entry, or nothing to delete it.
 */
export const commitScript: RedisScript = script(`${clock}
local nowText = string.format('%.0f', now)
if now > tonumber(ARGV[1]) then return { -1, nowText } end

local function versionAt(key)
  local head = redis.call('GETRANGE', key, 0, 127)
  if head == '' then return nil end
  local version, expires = string.match(head, '^1;([^;]*);(%d*);')
  -- Something else wrote it: it is there, and no version is its own.
  if not version then return true end
  if isOver(expires) then return nil end
  return version
end

for at = 3, #KEYS do
  local expect = ARGV[4 * at - 8]
  if expect ~= '' then
    local version = versionAt(KEYS[at])
    if expect == 'a' then
      if version ~= nil then return { 0, nowText } end
    elseif version ~= string.sub(expect, 2) then
      return { 0, nowText }
    end
  end
end

for at = 3, #KEYS do
  local path, expires, entry = ARGV[4 * at - 9], ARGV[4 * at - 7], ARGV[4 * at - 6]
  if entry == '' or isOver(expires) then
    redis.call('DEL', KEYS[at])
    redis.call('ZREM', KEYS[1], path)
    redis.call('ZREM', KEYS[2], path)
  else
    redis.call('SET', KEYS[at], entry)
    redis.call('ZADD', KEYS[1], 0, path)
    if expires == '' then
      redis.call('ZREM', KEYS[2], path)
    else
      redis.call('PEXPIREAT', KEYS[at], expires)
      redis.call('ZADD', KEYS[2], expires, path)
    end
  end
end

local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', nowText, 'LIMIT', 0, ARGV[2])
if #gone > 0 then
  redis.call('ZREM', KEYS[1], unpack(gone))
  redis.call('ZREM', KEYS[2], unpack(gone))
end

-- A partition that nobody comes back to leaves nothing: its index ends with the last entry that expires.
local last = nil
if redis.call('ZCARD', KEYS[1]) == redis.call('ZCARD', KEYS[2]) then
  last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
end
for at = 1, 2 do
  if last then
    redis.call('PEXPIREAT', KEYS[at], last)
  else
    redis.call('PERSIST', KEYS[at])
  end
end
return { 1, nowText }
`);

/**
 * Some of the keys that match a pattern: where to go on, `0` at the end, and the keys. A server looks at its own alone.
 *
 * ARGV: where to begin, the pattern, about how many keys to look at. A script, because clients may send a SCAN to a replica.
 */
export const scanScript: string = `return redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])`;
