-- Notes in one campaign who calls just now, of calls that another campaign took, or that
-- they have ended.
-- KEYS 1 numbers that call
-- ARGV 1 "note" or "forget"; then for each call: number, its line
-- Result: 0
for i = 2, #ARGV, 2 do
  if ARGV[1] == 'note' then
    note_call(KEYS[1], ARGV[i], ARGV[i + 1])
  else
    forget_call(KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
return 0
