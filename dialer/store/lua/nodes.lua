-- Lists the living nodes.
-- KEYS 1 nodes
-- Result: node, boot, node, boot …
local now, alive = now_ms(), {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local boot, lapse = string.match(all[i + 1], '^(%S+) (%d+)$')
  if boot and tonumber(lapse) > now then
    alive[#alive + 1] = all[i]
    alive[#alive + 1] = boot
  end
end
return alive
