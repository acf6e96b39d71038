package dialer

import (
	"strconv"
	"strings"
	"time"

	"ringpace/dialer/config"
)

// spokenHours are the words (see media.Words) that tell callers when it opens, and until
// when where that is within a day. now is the time of the call; opens is in the zone
// whose clock is meant.
func spokenHours(opens time.Time, lasts time.Duration, now time.Time, clock string) []string {
	words := []string{"closed-now", "open-again", spokenDay(opens, now.In(opens.Location())), "from"}
	words = append(words, spokenTime(opens, clock)...)
	if lasts < 24*time.Hour {
		words = append(append(words, "to"), spokenTime(opens.Add(lasts), clock)...)
	}
	return words
}

func spokenDay(day, now time.Time) string {
	same := func(a, b time.Time) bool { return a.YearDay() == b.YearDay() && a.Year() == b.Year() }
	switch {
	case same(day, now):
		return "today"
	case same(day, now.AddDate(0, 0, 1)):
		return "tomorrow"
	}
	return "on-" + strings.ToLower(day.Weekday().String())
}

// spokenTime is a time of day in words: "nine A M", "five oh five P M", "noon"; or
// "nine hundred hours", "seventeen oh five".
func spokenTime(t time.Time, clock string) []string {
	hour, minute, _ := t.Clock()
	half := "am"
	switch {
	case hour == 0 && minute == 0:
		return []string{"midnight"}
	case clock == config.Clock24:
		return append(spokenNumber(hour), spokenMinute(minute, "hundred")...)
	case hour == 12 && minute == 0:
		return []string{"noon"}
	case hour >= 12:
		half = "pm"
	}
	return append(append(spokenNumber((hour+11)%12+1), spokenMinute(minute)...), half)
}

// spokenMinute is a minute after the hour, full being what is said for none.
func spokenMinute(m int, full ...string) []string {
	switch {
	case m == 0:
		return full
	case m < 10:
		return append([]string{"oh"}, spokenNumber(m)...)
	}
	return spokenNumber(m)
}

// spokenNumber is a number of 0 to 59.
func spokenNumber(n int) []string {
	if n <= 20 || n%10 == 0 {
		return []string{strconv.Itoa(n)}
	}
	return []string{strconv.Itoa(n - n%10), strconv.Itoa(n % 10)}
}
