package dialer

import (
	"strconv"
	"strings"
	"time"

	"ringpace/dialer/config"
	"ringpace/media"
)

// spokenHours are the words (see media.Words) that tell callers when it opens, and until
// when where that is within a day. now is the time of the call; opens is in the zone
// whose clock is meant.
func spokenHours(l media.Language, opens time.Time, lasts time.Duration, now time.Time, clock string) []string {
	words := []string{"closed-now", "open-again", spokenDay(opens, now.In(opens.Location()))}
	shuts, within := opens.Add(lasts), lasts < 24*time.Hour
	if l == media.Chinese {
		words = append(words, chineseTime(opens, clock)...)
		if within {
			words = append(append(words, "to"), chineseTime(shuts, clock)...)
		} else {
			words = append(words, "onwards")
		}
		return append(words, "serve")
	}
	words = append(append(words, "from"), englishTime(opens, clock)...)
	if within {
		words = append(append(words, "to"), englishTime(shuts, clock)...)
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

// englishTime is a time of day in words: "nine A M", "five oh five P M", "noon"; or
// "nine hundred hours", "seventeen oh five".
func englishTime(t time.Time, clock string) []string {
	hour, minute, _ := t.Clock()
	half := "am"
	switch {
	case hour == 0 && minute == 0:
		return []string{"midnight"}
	case clock == config.Clock24:
		return append(spokenNumber(hour), englishMinute(minute, "hundred")...)
	case hour == 12 && minute == 0:
		return []string{"noon"}
	case hour >= 12:
		half = "pm"
	}
	return append(append(spokenNumber((hour+11)%12+1), englishMinute(minute)...), half)
}

// englishMinute is a minute after the hour, full being what is said for none.
func englishMinute(m int, full ...string) []string {
	switch {
	case m == 0:
		return full
	case m < 10:
		return append([]string{"oh"}, spokenNumber(m)...)
	}
	return spokenNumber(m)
}

// chineseTime is a time of day in words: 上午九点, 下午五点零五分, 中午十二点; or 九点,
// 十七点零五分.
func chineseTime(t time.Time, clock string) []string {
	hour, minute, _ := t.Clock()
	var words []string
	switch {
	case hour == 0 && minute == 0:
		return []string{"midnight"}
	case clock == config.Clock12:
		words = append(words, chinesePartOfDay(hour))
		hour = (hour+11)%12 + 1
	}
	if hour == 2 {
		words = append(words, "two") // 两点, not 二点
	} else {
		words = append(words, spokenNumber(hour)...)
	}
	words = append(words, "oclock")
	if minute == 0 {
		return words
	}
	if minute < 10 {
		words = append(words, "0")
	}
	return append(append(words, spokenNumber(minute)...), "minutes")
}

// chinesePartOfDay goes before an hour of the 12-hour clock.
func chinesePartOfDay(hour int) string {
	switch {
	case hour < 6:
		return "night"
	case hour < 12:
		return "morning"
	case hour == 12:
		return "noon"
	case hour < 18:
		return "afternoon"
	}
	return "evening"
}

// spokenNumber is a number of 0 to 59; both languages put it together alike.
func spokenNumber(n int) []string {
	if n <= 20 || n%10 == 0 {
		return []string{strconv.Itoa(n)}
	}
	return []string{strconv.Itoa(n - n%10), strconv.Itoa(n % 10)}
}
