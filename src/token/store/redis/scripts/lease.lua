-- KEYS: lease, fence, entry, revoked, invalid
-- ARGV: holder, duration (ms)
local held = left(KEYS[1])
if held > 0 then return {'held', held} end
local id, _, refresh_id = entry(KEYS[3], KEYS[4], KEYS[5])
return {'leased', grant(KEYS[1], KEYS[2], ARGV[1], ARGV[2]), 0, id or '', refresh_id or '', ''}
