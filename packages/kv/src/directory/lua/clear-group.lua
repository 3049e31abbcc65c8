-- Drops a group that is no more, unless a newer epoch than the caller's is open.
--
-- KEYS[1]  epoch   string: the open epoch
-- KEYS[2]  groups  set: ids of all groups
-- KEYS[3]  head    hash: epoch, batch and step of the group's last batch
-- KEYS[4]  pages   hash: page id → record
-- ARGV[1]  epoch of the caller
-- ARGV[2]  id of the group
--
-- Returns the open epoch; when it is above the caller's, nothing was dropped.

local open = tonumber(redis.call('GET', KEYS[1]) or '0')
if open <= tonumber(ARGV[1]) then
  redis.call('DEL', KEYS[3], KEYS[4])
  redis.call('SREM', KEYS[2], ARGV[2])
end
return open
