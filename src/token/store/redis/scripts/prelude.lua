-- Shared by all scripts. The data read here are untrusted: values of an unexpected type or size are
-- deleted.
local HOUR = 3600000
local DAY = 24 * HOUR
local MAX_VALUE = 65536
-- How long the mark of an invalidated token counts, in microseconds.
local INVALIDATED = 60000000

-- Returns whether the key exists and has this type. Deletes a key of another type.
local function is(key, want)
  local kind = redis.call('TYPE', key).ok
  if kind == want then return true end
  if kind ~= 'none' then redis.call('DEL', key) end
  return false
end

-- Returns how many milliseconds a lease or a block still lasts. Deletes a key that lasts longer
-- than one hour, because this store writes none.
local function left(key)
  local ttl = redis.call('PTTL', key)
  if ttl == -1 or ttl > HOUR then
    redis.call('DEL', key)
    return 0
  end
  return math.max(ttl, 0)
end

-- Returns the time in microseconds.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function integer(number)
  return string.format('%.0f', number)
end

-- Parses a number between two bounds, or returns nil. tonumber() also accepts 'nan' and 'inf'.
local function number_in(text, low, high)
  local number = tonumber(text or '')
  if number and number >= low and number <= high then return number end
  return nil
end

local function is_revoked(revoked, id)
  if id == '' or not is(revoked, 'zset') then return false end
  local ends = redis.call('ZSCORE', revoked, id)
  return ends and tonumber(ends) > now() / 1000
end

-- Returns the fence at which a token was invalidated, or nil.
local function invalidated_at(invalid, id)
  if not is(invalid, 'zset') then return nil end
  local at = redis.call('ZSCORE', invalid, id)
  return number_in(at or '', now() - INVALIDATED, now() + DAY * 1000)
end

-- Returns the id, the sealed token, the id of the refresh token and the remaining milliseconds of
-- an entry, or nil if there is none. Deletes an entry that is invalid or marked.
local function entry(key, revoked, invalid)
  if not is(key, 'hash') then return nil end
  local function size(field) return redis.call('HSTRLEN', key, field) end
  local token, refresh, refresh_id, ttl = size('t'), size('r'), size('ri'), redis.call('PTTL', key)
  local bad = size('g') ~= 16 or token == 0 or token > MAX_VALUE or refresh > MAX_VALUE or ttl < 0
  if not bad and (refresh_id == 0 or refresh_id == 16) then
    local id = redis.call('HGET', key, 'g')
    local of_refresh = redis.call('HGET', key, 'ri') or ''
    if not (is_revoked(revoked, id) or is_revoked(revoked, of_refresh) or invalidated_at(invalid, id)) then
      return id, redis.call('HGET', key, 't'), of_refresh, ttl
    end
  end
  redis.call('DEL', key)
  return nil
end

-- Returns whether this holder has the lease.
local function holds(lease, holder)
  return is(lease, 'string') and redis.call('STRLEN', lease) == #holder and redis.call('GET', lease) == holder
end

-- Returns a number that increases with each call. The number follows the clock, so it increases
-- even if the key was lost.
local function next_fence(fence)
  local at, last = now(), nil
  if is(fence, 'string') and redis.call('STRLEN', fence) <= 16 then
    last = number_in(redis.call('GET', fence), 0, at + DAY * 1000)
  end
  local number = math.max(at, (last or 0) + 1)
  redis.call('SET', fence, integer(number), 'PX', DAY)
  return number
end

local function grant(lease, fence, holder, time)
  local number = next_fence(fence)
  redis.call('SET', lease, holder .. integer(number), 'PX', integer(time))
  return number
end

-- Reserves the next free place for a token request. Returns the milliseconds until then, or nil and
-- the reason why there is none within `max_wait`. `sent` holds the times of the last requests,
-- including reserved ones, latest first, as many as the limit allows.
local function reserve(closed, refused, sent, calls, per, max_wait)
  local refusal = left(refused)
  if refusal > 0 then return nil, {'refused', refusal} end
  local cool_down = left(closed)
  if cool_down > max_wait then return nil, {'closed', cool_down} end
  local at = now()
  local time = at + cool_down * 1000
  if calls > 0 then
    local last, oldest = nil, nil
    if is(sent, 'list') then
      last = number_in(redis.call('LINDEX', sent, 0), 0, at + HOUR * 1000)
      oldest = redis.call('LINDEX', sent, calls - 1)
      oldest = oldest and number_in(oldest, 0, last or 0)
      if not last or oldest == nil then redis.call('DEL', sent) end
    end
    if oldest then time = math.max(time, oldest + per) end
    -- If the request must wait, place it after the last reserved time, so that waiting requests are
    -- sent at even intervals.
    if last and (time > at or last > at) then time = math.max(time, last + per / calls) end
    local wait = math.ceil((time - at) / 1000)
    if wait > max_wait then return nil, {'limited', wait} end
    redis.call('LPUSH', sent, integer(time))
    redis.call('LTRIM', sent, 0, calls - 1)
    redis.call('PEXPIRE', sent, integer(wait + per / 1000))
  end
  return math.ceil((time - at) / 1000)
end

