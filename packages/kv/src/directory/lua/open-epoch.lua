-- Lets an epoch write, and every older one no more.
--
-- KEYS[1]  epoch   string: the open epoch
-- ARGV[1]  the epoch to open
--
-- Returns the epoch that is open now: the one given, or a newer one, which stays.

local open = tonumber(redis.call('GET', KEYS[1]) or '0')
local epoch = tonumber(ARGV[1])
if epoch >= open then
  redis.call('SET', KEYS[1], ARGV[1])
  return epoch
end
return open
