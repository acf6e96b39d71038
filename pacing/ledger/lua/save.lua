-- Stores what a campaign has learned, if its owner still owns it.
-- KEYS 1 learned, 2 campaign (the store's)
-- ARGV 1 epoch, 2 version, 3 model JSON
-- Result: 1
-- Errors: FENCED (with the newer epoch)
local newest = math.max(tonumber(redis.call('HGET', KEYS[1], 'epoch')) or 0, tonumber(redis.call('HGET', KEYS[2], 'epoch')) or 0)
if tonumber(ARGV[1]) < newest then return redis.error_reply(string.format('FENCED epoch %.0f', newest)) end
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'version', ARGV[2], 'model', ARGV[3],
  'saved', tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000))
return 1
