-- Notes that a call goes on over another trunk, before its next INVITE. It may not
-- where the lead was withdrawn, its number came on a do-not-call list or they called us
-- meanwhile.
-- KEYS 1 lead, 2 attempts, 3 do-not-call numbers, 4 do-not-call prefixes, 5 numbers for
--      all campaigns, 6 prefixes for all campaigns, 7 numbers that call us just now
-- ARGV 1 attempt id, 2 number, 3 attempt JSON
-- Result: 1
-- Errors: UNCLAIMED (the attempt is not open), WITHDRAWN, DNC (with the entry), CALLING
local f = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'gone')
if f[1] ~= 'dialing' or f[2] ~= ARGV[1] then return redis.error_reply('UNCLAIMED the attempt is not open') end
if f[3] then return redis.error_reply('WITHDRAWN the lead was withdrawn') end
local entry = forbidding(ARGV[2], KEYS[3], KEYS[4]) or forbidding(ARGV[2], KEYS[5], KEYS[6])
if entry then return redis.error_reply('DNC ' .. entry) end
local caller = who_calls(KEYS[7], KEYS[1], ARGV[2])
if caller then return redis.error_reply('CALLING ' .. caller .. ' calls us just now') end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return 1
