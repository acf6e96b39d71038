-- Reads the leads that claim would take next, of those that are ready: one that has come
-- due, or whose claim has lapsed, is found once claim has made it so.
-- KEYS 1 ready
-- ARGV 1 how many, 2 prefix of lead keys
-- Result: for each lead the flat fields and values of its hash.
local leads = {}
for i, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1)) do
  leads[i] = redis.call('HGETALL', ARGV[2] .. string.sub(member, 27))
end
return leads
