-- What the scripts share. All that is read was written by anybody: what is not as we write it goes.
local HOUR = 3600000
local MOST = 65536

-- Whether a key is there and of this type.
local function is(key, want)
  local kind = redis.call('TYPE', key).ok
  if kind == want then return true end
  if kind ~= 'none' then redis.call('DEL', key) end
  return false
end

-- How many milliseconds a key still lives. None of ours lives for over an hour.
local function left(key)
  local ttl = redis.call('PTTL', key)
  if ttl == -1 or ttl > HOUR then
    redis.call('DEL', key)
    return 0
  end
  return math.max(ttl, 0)
end

-- The generation and the sealed token of an entry.
local function entry(key)
  if not is(key, 'hash') then return nil end
  local token, refresh = redis.call('HSTRLEN', key, 't'), redis.call('HSTRLEN', key, 'r')
  local generation = redis.call('HSTRLEN', key, 'g')
  if generation ~= 16 or token == 0 or token > MOST or refresh > MOST or redis.call('PTTL', key) < 0 then
    redis.call('DEL', key)
    return nil
  end
  return redis.call('HGET', key, 'g'), redis.call('HGET', key, 't')
end

-- Whether this holder has the lease now.
local function holds(lease, holder)
  return is(lease, 'string') and redis.call('STRLEN', lease) == #holder and redis.call('GET', lease) == holder
end

-- Microseconds.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- Gives out the lease. The fence begins at the time, so that it grows on after it was lost or ran out.
local function grant(lease, fence, holder, time)
  local number = redis.pcall('INCR', fence)
  if type(number) == 'table' or number < 1e15 or number > 8e15 then
    number = now()
    redis.call('SET', fence, string.format('%.0f', number))
  end
  redis.call('PEXPIRE', fence, 24 * HOUR)
  redis.call('SET', lease, holder .. string.format('%.0f', number), 'PX', time)
  return number
end

-- Why no call may be sent.
local function stopped(closed, refused)
  local time = left(closed)
  if time > 0 then return {'closed', time} end
  time = left(refused)
  if time > 0 then return {'refused', time} end
  return nil
end

-- Takes the place of one call, or says when there is one. `sent` has the times of the last calls, as
-- many as the limit allows.
local function taken(sent, calls, per)
  if calls == 0 then return nil end
  local at = now()
  if is(sent, 'list') then
    local oldest = tonumber(redis.call('LINDEX', sent, calls - 1) or '')
    if oldest and oldest <= at and oldest + per * 1000 > at then
      return {'closed', math.ceil((oldest + per * 1000 - at) / 1000)}
    end
  end
  redis.call('LPUSH', sent, string.format('%.0f', at))
  redis.call('LTRIM', sent, 0, calls - 1)
  redis.call('PEXPIRE', sent, per)
  return nil
end

