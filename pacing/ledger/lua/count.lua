-- Counts what became of an answered call: once, however often it is told.
-- KEYS 1 ledger, 2 ledger of a date, 3 calls
-- ARGV 1 attempt id, 2 verdict, 3 "DATE VERDICT" that the node remembers of the call, or
--      empty, 4 the date of KEYS 2, 5 how many ms ago the call was answered, 6, 7 when the date
--      begins and ends, ms, 8 node, 9 to 12 least counts of this node on that date: answered,
--      abandoned, machine, detected, 13, 14 for how many ms the date and calls are kept,
--      15 the age in ms from which a call that is not on record is not counted any more
-- Result: word, ms now, "DATE VERDICT" on record, the four counts of this node.
--   counted   something was, under the date of KEYS 2
--   repeat    it had been
--   nothing   the call was never answered (of verdict "interrupted")
--   date      the call is on record under another date: tell it again under that
--   time      the answer was not on that date: tell it again under another
--   late      what is on record of a call that old may have been thrown away
-- A call goes this way: answered, then perhaps reached (an agent has it), then perhaps
-- abandoned, machine or detected, of which each is the last. One that is interrupted
-- (its node died) is abandoned if it was answered and not reached.
local names = { 'answered', 'abandoned', 'machine', 'detected' }
local rank = { answered = 1, reached = 2, abandoned = 3, machine = 3, detected = 3 }
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)

local function split(record) return string.match(record or '', '^(%S+) (%S+)$') end
-- Every key is read before anything is written: one that is spoilt fails all, not half.
local first = redis.call('HGET', KEYS[1], 'first')
redis.call('HLEN', KEYS[2])
local date, was = split(redis.call('HGET', KEYS[3], ARGV[1]))
local remembered, then_was = split(ARGV[3])
if remembered and (rank[then_was] or 0) > (rank[was] or 0) then date, was = remembered, then_was end

local verdict = ARGV[2]
if verdict == 'interrupted' then
  if not was then return { 'nothing', now } end
  verdict = was == 'answered' and 'abandoned' or was
end
if was then
  if date ~= ARGV[4] then return { 'date', now, date .. ' ' .. was } end
else
  local age = tonumber(ARGV[5])
  local at = now - age
  if age >= tonumber(ARGV[15]) then return { 'late', now } end
  if at < tonumber(ARGV[6]) or at >= tonumber(ARGV[7]) then return { 'time', now } end
end

local function count(i) return names[i] .. ':' .. ARGV[8] end
for i = 1, 4 do
  local least = tonumber(ARGV[8 + i])
  if least > tonumber(redis.call('HGET', KEYS[2], count(i)) or 0) then redis.call('HSET', KEYS[2], count(i), ARGV[8 + i]) end
end
local word = 'repeat'
if not was then
  redis.call('HINCRBY', KEYS[2], count(1), 1)
  if not first or ARGV[4] < first then redis.call('HSET', KEYS[1], 'first', ARGV[4]) end
end
if rank[verdict] > (rank[was] or 0) then
  word = 'counted'
  for i = 2, 4 do
    if names[i] == verdict then redis.call('HINCRBY', KEYS[2], count(i), 1) end
  end
  was = verdict
end
local record = ARGV[4] .. ' ' .. was
redis.call('HSET', KEYS[3], ARGV[1], record)
redis.call('PEXPIRE', KEYS[2], ARGV[13])
redis.call('PEXPIRE', KEYS[3], ARGV[14])
local result = { word, now, record }
for i = 1, 4 do result[3 + i] = tonumber(redis.call('HGET', KEYS[2], count(i)) or 0) end
return result
