package dialer

import (
	"strings"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
)

// keypad gathers the keys that an agent presses until they make a code. All codes
// begin with one key; what does not is the customer's.
type keypad struct {
	pressed string
	idle    deadline
}

// betweenKeys is how long a code may rest unfinished before it is forgotten.
const betweenKeys = 4 * time.Second

// listenForCodes has the leg tell its keys, and keep codes from the customer.
func (a *agent) listenForCodes() {
	a.keys = a.leg.audio.Digits()
	a.leg.audio.Escape(a.board.phones.Load().keys.Escape())
}

// press takes one key, and reports whether it is part of a code and not the customer's. A
// beep says what became of a code.
func (a *agent) press(key rune) bool {
	rules := a.board.phones.Load()
	k := &a.keypad
	if k.pressed == "" && key != rules.keys.Escape() {
		return false
	}
	if k.pressed == string(rules.keys.Escape()) && k.pressed == string(key) {
		a.forgetKeys() // pressed twice it is meant for the customer
		return false
	}
	k.pressed += string(key)
	k.idle.set(betweenKeys)
	does, argument, whole := readCode(rules.keys.Codes(), k.pressed)
	switch {
	case does == "":
		a.beep(false)
	case whole:
		a.beep(a.obey(does, argument, rules) == nil)
	default:
		return true
	}
	a.forgetKeys()
	return true
}

// longestArgument bounds the extension that follows a code.
const longestArgument = 20

// readCode finds the code that pressed is, or begins. does is "" where it is none, and
// whole is false where more keys must come.
func readCode(codes []config.Code, pressed string) (does, argument string, whole bool) {
	for _, c := range codes {
		rest, ok := strings.CutPrefix(pressed, c.Code)
		if !ok {
			if strings.HasPrefix(c.Code, pressed) && does == "" {
				does = c.Does
			}
			continue
		}
		switch c.Does {
		case "disposition":
			return c.Does, rest, len(rest) == 1
		case "transfer", "conference":
			argument, whole = strings.CutSuffix(rest, "#")
			if len(argument) > longestArgument {
				return "", "", false
			}
			return c.Does, argument, whole
		default:
			return c.Does, "", true
		}
	}
	return does, "", false
}

// forgetKeys begins anew: the next key is the customer's again, unless it begins a
// code.
func (a *agent) forgetKeys() {
	a.keypad.pressed = ""
	a.keypad.idle.clear()
	if a.leg != nil {
		a.leg.audio.Release()
	}
}

// beep tells the agent, on their leg, whether a code was obeyed: high, or low.
// It is laid over what they hear, such as the prompt that tells of the recording.
func (a *agent) beep(obeyed bool) {
	tone := a.board.low
	if obeyed {
		tone = a.board.high
	}
	a.overlay(tone, 0, 0)
}

// obey does what a code asks for.
func (a *agent) obey(does, argument string, rules *phones) error {
	switch does {
	case "ready":
		return a.ready()
	case "pause":
		return a.pause(rules.pauseReason)
	case "hangup":
		return a.hangup()
	case "hold":
		if a.hold.on {
			return a.resume()
		}
		return a.holdCustomer()
	case "recording":
		if !lasting(a.pauses.list).IsZero() {
			return a.resumeRecording()
		}
		return a.pauseRecording()
	case "disposition":
		return a.disposeByKey(argument)
	case "transfer":
		return a.transferTo(argument)
	case "conference":
		if argument == "" {
			return a.dropThird()
		}
		return a.callIn(argument)
	case "logout":
		return a.logout()
	}
	return api.Invalid("no code %q", does)
}

// disposeByKey names the call's result by its number in the campaign's list, from 1.
func (a *agent) disposeByKey(digit string) error {
	t := a.talk
	if t == nil {
		return api.Conflict("agent %s has no call to give a disposition", a.id)
	}
	n := strings.Index("123456789", digit)
	if n < 0 || n >= len(t.call.Dispositions) {
		return api.Invalid("campaign %s has no disposition %s; it has %v", t.call.Campaign, digit, t.call.Dispositions)
	}
	return a.dispose(api.Disposition{Name: t.call.Dispositions[n]})
}
