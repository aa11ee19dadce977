-- One step of a delivery: 'begin', 'renew', 'complete' or 'abandon'. The key's value is 'done', or
-- the claim of the attempt that is in progress. The value may have been written by anyone, so a
-- malformed value is deleted.
local key, step, claim, time = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
-- The longest lease, in milliseconds: 1 h.
local MAX_LEASE = 3600000

if step == 'complete' then
  redis.call('SET', key, 'done', 'PX', time)
  return 1
end

local value, left = nil, redis.call('PTTL', key)
local kind = redis.call('TYPE', key).ok
if kind == 'string' and left > 0 and redis.call('STRLEN', key) <= 32 then
  value = redis.call('GET', key)
end
if value ~= 'done' and left > MAX_LEASE then value = nil end
if not value and kind ~= 'none' then redis.call('DEL', key) end

if step == 'begin' then
  if value == 'done' then return {'done', 0} end
  -- The same claim may begin again, because the response to its first call was lost.
  if value and value ~= claim then return {'held', left} end
  redis.call('SET', key, claim, 'PX', time)
  return {'new', 0}
end
if value ~= claim then return 0 end
if step == 'renew' then
  redis.call('PEXPIRE', key, time)
else
  redis.call('DEL', key)
end
return 1
