package main

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"

	"ringpace/dialer"
	"ringpace/dialer/config"
	"ringpace/dialer/lab/roles"
	"ringpace/media"
	"ringpace/media/record"
)

// offer is the session description of a far end, which encrypts with a key if there is
// one.
func offer(end netip.AddrPort, key string) []byte {
	profile, crypto := "RTP/AVP", ""
	if key != "" {
		profile, crypto = "RTP/SAVP", cryptoAttribute+key+"\r\n"
	}
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\n"+
		"m=audio %[2]d %[3]s 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n%[4]s", end.Addr(), end.Port(), profile, crypto)
}

// cryptoAttribute goes before a key in a session description (RFC 4568).
const cryptoAttribute = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"

// beRingpace is a process with an engine, and with a recorder if it is told to
// record, and nothing else of the daemon.
func beRingpace(profile string) (err error) {
	dialer.TuneRuntime() // as the daemon does
	stop, err := roles.Profile(profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	engine, err := media.NewEngine(media.Config{Addr: loopback})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	f := &floor{engine: engine}
	defer func() { err = errors.Join(err, f.close()) }()
	return roles.Obey(f.obey)
}

// floor is the calls of the process.
type floor struct {
	engine     *media.Engine
	recorder   *record.Recorder
	dir        string
	recordings []*record.Recording
}

func (f *floor) close() error {
	if f.recorder == nil {
		return nil
	}
	return f.recorder.Close()
}

func (f *floor) obey(w work) (answer done, err error) {
	if w.Record != "" {
		f.dir = w.Record
		if f.recorder, err = record.New(record.Config{
			Dir: w.Record, Pattern: "{id}.wav", Flush: config.Default().Recording.Flush,
		}); err != nil {
			return answer, err
		}
	}
	for call := range w.Far.Ends {
		if err := f.connect(call, w.Far, &answer.Near); err != nil {
			return answer, err
		}
	}
	if w.Collect > 0 {
		answer.Collections = collect(w.Collect)
	}
	if w.Finish {
		for _, r := range f.recordings {
			sum, err := r.Close()
			if err != nil {
				return answer, err
			}
			answer.Recordings = append(answer.Recordings, keptAs(filepath.Join(f.dir, filepath.FromSlash(sum.Path)), sum))
		}
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	answer.Mallocs, answer.Collected = memory.Mallocs, memory.NumGC
	return answer, nil
}

// connect bridges one call of those, records it if there is a recorder, and lets its
// monitor listen if it has one.
func (f *floor) connect(call int, far farEnds, near *nearEnds) error {
	var pair [2]*media.Session
	var ports legs
	for leg, end := range far.Ends[call] {
		key := ""
		if leg == 1 && len(far.Keys) > 0 {
			key = far.Keys[call]
		}
		session, answer, err := f.answer(end, key)
		if err != nil {
			return err
		}
		pair[leg], ports[leg] = session, session.LocalAddr()
		if key != "" {
			_, said, _ := strings.Cut(answer, cryptoAttribute)
			said, _, _ = strings.Cut(said, "\r\n")
			near.Keys = append(near.Keys, said)
		}
	}
	near.Ports = append(near.Ports, ports)
	if f.recorder != nil {
		r, err := f.recorder.Start(record.Meta{ID: fmt.Sprintf("call-%05d", call)})
		if err != nil {
			return err
		}
		f.recordings = append(f.recordings, r)
		pair[0].AddTap(r.Customer())
		pair[1].AddTap(r.Agent())
	}
	if _, err := f.engine.Bridge(pair[0], pair[1]); err != nil || call >= len(far.Monitors) {
		return err
	}
	listener, _, err := f.answer(far.Monitors[call], "")
	if err != nil {
		return err
	}
	_, err = f.engine.Join(listener, pair[0], pair[1], media.Monitor)
	return err
}

// answer opens a session with a far end.
func (f *floor) answer(end netip.AddrPort, key string) (*media.Session, string, error) {
	cfg := media.SessionConfig{}
	if key != "" {
		cfg.Security = media.SecurityRequired
	}
	session, err := f.engine.NewSession(cfg)
	if err != nil {
		return nil, "", err
	}
	said, err := session.Answer(offer(end, key))
	return session, string(said), err
}
