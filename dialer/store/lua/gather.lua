-- Leaves the owner's own report, and gathers those of all nodes and their news.
-- KEYS 1 campaign, 2 reports, 3 news, 4 grants
-- ARGV 1 boot, 2 epoch, 3 report; then boots whose reports are to be forgotten
-- Result: reports as boot, age in ms, text, boot … and news as age in ms, text, age …
-- Errors: FENCED
local f = redis.call('HMGET', KEYS[1], 'epoch', 'boot')
if f[1] ~= ARGV[2] or f[2] ~= ARGV[1] then return redis.error_reply('FENCED the campaign has another owner') end
local now = now_ms()
for i = 4, #ARGV do
  redis.call('HDEL', KEYS[2], ARGV[i])
  redis.call('HDEL', KEYS[4], ARGV[i], ARGV[i] .. ':text')
end
redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f ', now) .. ARGV[3])

local function aged(text)
  local at, rest = string.match(text, '^(%d+) (.*)$')
  return now - tonumber(at), rest
end
local reports, news = {}, {}
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  local age, text = aged(all[i + 1])
  reports[#reports + 1], reports[#reports + 2], reports[#reports + 3] = all[i], age, text
end
for _, told in ipairs(redis.call('LRANGE', KEYS[3], 0, -1)) do
  local age, text = aged(told)
  news[#news + 1], news[#news + 2] = age, text
end
redis.call('DEL', KEYS[3])
return { reports, news }
