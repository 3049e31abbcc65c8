-- Writes the new states of some pages of one group, while the writer's epoch is the open one.
--
-- KEYS[1]  epoch   string: the open epoch
-- KEYS[2]  groups  set: ids of all groups
-- KEYS[3]  head    hash: epoch, batch and step of the group's last batch
-- KEYS[4]  pages   hash: page id → record, JSON; a free page has no field
-- ARGV[1]  epoch of the writer
-- ARGV[2]  number of the batch, rising within an epoch
-- ARGV[3]  id of the group
-- ARGV[4]  step that the group is described as of after this batch, or '' in the middle of a description
-- ARGV[5]  '1' when all that is said of the group is dropped first, else '0'
-- ARGV[6…] pairs: page id, record or '' when the page is free
--
-- Returns {'written' | 'repeated' | 'lost' | 'refused', the open epoch}. Only 'written' changes anything.

local open = tonumber(redis.call('GET', KEYS[1]) or '0')
local epoch = tonumber(ARGV[1])
if open > epoch then return {'refused', open} end
if open < epoch then return {'lost', open} end

local head = redis.call('HMGET', KEYS[3], 'epoch', 'batch')
local isOurs = head[1] and tonumber(head[1]) == epoch
local isWhole = ARGV[5] == '1'
if isOurs and tonumber(ARGV[2]) <= tonumber(head[2]) then return {'repeated', open} end
if not isOurs and not isWhole then return {'lost', open} end

if isWhole then redis.call('DEL', KEYS[4]) end
for i = 6, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[4], ARGV[i])
  else
    redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 1])
  end
end
redis.call('HSET', KEYS[3], 'epoch', ARGV[1], 'batch', ARGV[2], 'step', ARGV[4])
redis.call('SADD', KEYS[2], ARGV[3])
return {'written', open}
