-- Follows a change of the do-not-call list for all campaigns in one campaign's
-- copy. The copy's revision moves on only if it lacked nothing before.
-- KEYS 1 numbers, 2 prefixes, 3 revision, all of the copy
-- ARGV 1 "add" or "remove", 2 revision of the change; then entries
-- Result: 1 if the copy is at that revision.
local call = ARGV[1] == 'add' and 'SADD' or 'SREM'
for i = 3, #ARGV do
  if string.sub(ARGV[i], -1) == '*' then
    redis.call(call, KEYS[2], string.sub(ARGV[i], 1, -2))
  else
    redis.call(call, KEYS[1], ARGV[i])
  end
end
if tonumber(redis.call('GET', KEYS[3]) or '0') ~= tonumber(ARGV[2]) - 1 then return 0 end
redis.call('SET', KEYS[3], ARGV[2])
return 1
