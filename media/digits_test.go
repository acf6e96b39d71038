package media

import "testing"

// TestDigitsOfEvents: one digit for each event, whatever is lost, repeated or late of it.
func TestDigitsOfEvents(t *testing.T) {
	type packet struct {
		timestamp uint32
		code      byte
		end       bool
		duration  uint16
	}
	long := []packet{ // twenty seconds of one key
		{0, 5, false, 160},
		{0, 5, false, 65_000},
		{0, 5, false, 0xFFFF},
		{0xFFFF, 5, false, 160},
		{0xFFFF, 5, false, 0xFFFF},
		{2 * 0xFFFF, 5, false, 160},
		{2 * 0xFFFF, 5, true, 28_000},
		{2 * 0xFFFF, 5, true, 28_000},
		{2 * 0xFFFF, 5, true, 28_000},
	}
	for _, c := range []struct {
		name string
		in   []packet
		want string
	}{
		{"updates and three ends", []packet{{160, 1, false, 160}, {160, 1, false, 320}, {160, 1, true, 480}, {160, 1, true, 480}, {160, 1, true, 480}}, "1"},
		{"the same key twice", []packet{{160, 1, true, 400}, {160, 1, true, 400}, {1600, 1, false, 160}, {1600, 1, true, 400}}, "11"},
		{"only an end came", []packet{{160, 11, true, 400}}, "#"},
		{"the ends are lost", []packet{{160, 1, false, 160}, {1600, 1, false, 160}}, "11"},
		{"an end that comes after the next began", []packet{{160, 1, false, 160}, {1600, 2, false, 160}, {160, 1, true, 400}, {1600, 2, true, 400}}, "12"},
		{"over the wrap of timestamps", []packet{{1<<32 - 80, 10, false, 160}, {1<<32 - 80, 10, true, 320}, {800, 12, true, 160}}, "*A"},
		{"a flash, and tones that are no keys", []packet{{160, 16, true, 400}, {1600, 36, true, 400}, {3200, 255, false, 400}}, "!"},
		{"longer than a packet can tell", long, "5"},
		{"longer, and the same again", append(long[:9:9], packet{3 * 0xFFFF, 5, true, 160}), "55"},
		{"longer, with another key", []packet{{0, 5, false, 0xFFFF}, {0xFFFF, 6, false, 160}}, "56"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d digitReader
			got := ""
			for _, p := range c.in {
				flags := byte(10)
				if p.end {
					flags |= 0x80
				}
				if digit, begins := d.read([]byte{p.code, flags, byte(p.duration >> 8), byte(p.duration)}, p.timestamp); begins {
					got += string(digit)
				}
			}
			if got != c.want {
				t.Errorf("read %q, want %q", got, c.want)
			}
		})
	}
	var d digitReader
	if _, begins := d.read([]byte{1, 2, 3}, 4); begins {
		t.Error("a cut off event is a digit")
	}
}
