-- Puts counts back that Redis has lost. None ever falls, so the greater one is true.
-- KEYS 1 ledger, 2 ledger of a date
-- ARGV 1 the first date that the node knows of, or empty, 2 for how many ms the date is
--      kept, then pairs: field, least count
-- Result: how many fields were raised.
local first = redis.call('HGET', KEYS[1], 'first')
if ARGV[1] ~= '' and (not first or ARGV[1] < first) then redis.call('HSET', KEYS[1], 'first', ARGV[1]) end
local raised = 0
for i = 3, #ARGV, 2 do
  if tonumber(ARGV[i + 1]) > tonumber(redis.call('HGET', KEYS[2], ARGV[i]) or 0) then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    raised = raised + 1
  end
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return raised
