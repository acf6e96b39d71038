-- Changes the do-not-call list for all campaigns, whose copies follow.
-- KEYS 1 numbers, 2 prefixes, 3 revision
-- ARGV 1 "add" or "remove"; then entries, a prefix with * at its end
-- Result: the new revision.
local call = ARGV[1] == 'add' and 'SADD' or 'SREM'
for i = 2, #ARGV do
  if string.sub(ARGV[i], -1) == '*' then
    redis.call(call, KEYS[2], string.sub(ARGV[i], 1, -2))
  else
    redis.call(call, KEYS[1], ARGV[i])
  end
end
return redis.call('INCR', KEYS[3])
