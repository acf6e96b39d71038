package main

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"

	"ringpace/dialer"
	"ringpace/dialer/lab/roles"
	"ringpace/media"
	"ringpace/media/record"
)

// offer is the session description of a far end.
func offer(end netip.AddrPort) []byte {
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\n"+
		"m=audio %[2]d RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n", end.Addr(), end.Port())
}

// beRingpace is a process with an engine, and with a recorder if it is told to
// record, and nothing else of the daemon.
func beRingpace(profile string) (err error) {
	dialer.TuneHeap() // as the daemon does
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
		if f.recorder, err = record.New(record.Config{Dir: w.Record, Pattern: "{id}.wav"}); err != nil {
			return answer, err
		}
	}
	for call, ends := range w.Ends {
		ports, err := f.connect(call, ends)
		if err != nil {
			return answer, err
		}
		answer.Ports = append(answer.Ports, ports)
	}
	if w.Finish {
		for _, r := range f.recordings {
			sum, err := r.Close()
			if err != nil {
				return answer, err
			}
			answer.Recordings = append(answer.Recordings, filepath.Join(f.dir, filepath.FromSlash(sum.Path)))
		}
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	answer.Mallocs = memory.Mallocs
	return answer, nil
}

// connect bridges one call, and records it if there is a recorder.
func (f *floor) connect(call int, ends legs) (ports legs, err error) {
	var pair [2]*media.Session
	for leg := range pair {
		if pair[leg], err = f.engine.NewSession(media.SessionConfig{}); err != nil {
			return ports, err
		}
		if _, err := pair[leg].Answer(offer(ends[leg])); err != nil {
			return ports, err
		}
		ports[leg] = pair[leg].LocalAddr()
	}
	if f.recorder != nil {
		r, err := f.recorder.Start(record.Meta{ID: fmt.Sprintf("call-%05d", call)})
		if err != nil {
			return ports, err
		}
		f.recordings = append(f.recordings, r)
		pair[0].AddTap(r.Customer())
		pair[1].AddTap(r.Agent())
	}
	_, err = f.engine.Bridge(pair[0], pair[1])
	return ports, err
}
