-- Notes a call that came in, so that it ends in a record whatever becomes of its node.
-- While it is up, the campaign does not dial the number that calls (calling.lua tells the
-- others).
-- KEYS 1 calls that came in, 2 calls that came in and have ended, 3 counters, 4 numbers
--      that call
-- ARGV 1 id of the call, 2 its JSON, 3 the caller's number (or empty), 4 the call's line
--      among the numbers that call
-- Result: 1, or 0 where it is noted already or has ended.
if redis.call('ZSCORE', KEYS[2], ARGV[1]) or redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return 0
end
if ARGV[3] ~= '' then note_call(KEYS[4], ARGV[3], ARGV[4]) end
redis.call('HINCRBY', KEYS[3], 'in:started', 1)
return 1
