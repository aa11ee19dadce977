-- KEYS: lease, fence
-- ARGV: holder, time
if left(KEYS[1]) > 0 then return {'held'} end
return {'leased', grant(KEYS[1], KEYS[2], ARGV[1], ARGV[2]), '', ''}
