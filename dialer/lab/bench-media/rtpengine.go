package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ringpace/dialer/lab/chroot"
	"ringpace/dialer/lab/roles"
)

// rtpengine is an rtpengine that relays in user space, and its control protocol "ng":
// a bencoded dictionary in each datagram, behind a cookie that the answer repeats.
type rtpengine struct {
	*peer
	control net.Conn
	cookie  int
}

func startRTPEngine(ctx context.Context, s start) (subject, error) {
	root, err := chroot.Root()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errNotInstalled, err)
	}
	if _, err := os.Stat(filepath.Join(root, "usr/bin/rtpengine")); err != nil {
		return nil, fmt.Errorf("%w (%w)", errNotInstalled, err)
	}
	addr, err := roles.FreePort()
	if err != nil {
		return nil, err
	}
	inside := strings.TrimPrefix(s.dir, root)
	p, err := startPeer(chroot.Command(root, "/usr/bin/rtpengine", "--config-file=none", "--foreground", "--log-stderr", "--log-level=3",
		"--interface=127.0.0.1", "--listen-ng="+addr, "--table=-1", "--num-threads=1",
		fmt.Sprintf("--port-min=%d", portMin), fmt.Sprintf("--port-max=%d", portMax),
		"--recording-dir="+inside, "--recording-method=pcap"), s.core)
	if err != nil {
		return nil, err
	}
	control, err := net.Dial("udp4", addr)
	if err != nil {
		return nil, fmt.Errorf("%w, %w", err, p.Close())
	}
	r := &rtpengine{peer: p, control: control}
	err = p.await(ctx, func() error {
		_, err := r.ask(map[string]string{"command": "ping"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("rtpengine does not answer: %w", err)
	}
	return r, nil
}

func (r *rtpengine) Close() error {
	_ = r.control.Close() // nothing was kept back
	return r.peer.Close()
}

func (r *rtpengine) Connect(_ context.Context, far farEnds) (near nearEnds, err error) {
	for call, pair := range far.Ends {
		id := fmt.Sprintf("bench-%d", call)
		offered, err := r.ask(map[string]string{
			"command": "offer", "call-id": id, "from-tag": "a", "sdp": string(offer(pair[0], "")), "record-call": "yes",
		})
		if err != nil {
			return near, err
		}
		answered, err := r.ask(map[string]string{
			"command": "answer", "call-id": id, "from-tag": "a", "to-tag": "b", "sdp": string(offer(pair[1], "")), "record-call": "yes",
		})
		if err != nil {
			return near, err
		}
		// What the agent's end is offered stands for the customer's, and the other way round.
		var to legs
		if to[1], err = audioAddr(offered); err != nil {
			return near, err
		}
		if to[0], err = audioAddr(answered); err != nil {
			return near, err
		}
		near.Ports = append(near.Ports, to)
	}
	return near, nil
}

// ask sends one request and returns its answer, bencoded as it is.
func (r *rtpengine) ask(request map[string]string) (string, error) {
	r.cookie++
	cookie := fmt.Sprintf("%d ", r.cookie)
	if err := r.control.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	if _, err := r.control.Write([]byte(cookie + bencode(request))); err != nil {
		return "", err
	}
	buffer := make([]byte, 65536)
	for {
		n, err := r.control.Read(buffer)
		if err != nil {
			return "", err
		}
		answer, ours := strings.CutPrefix(string(buffer[:n]), cookie)
		switch {
		case !ours: // to one that was given up
		case strings.Contains(answer, "6:result2:ok") || strings.Contains(answer, "6:result4:pong"):
			return answer, nil
		default:
			return "", fmt.Errorf("rtpengine: %s", answer)
		}
	}
}

// bencode writes a dictionary of texts, by its keys in order.
func bencode(m map[string]string) string {
	var b strings.Builder
	b.WriteByte('d')
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprintf(&b, "%d:%s%d:%s", len(key), key, len(m[key]), m[key])
	}
	b.WriteByte('e')
	return b.String()
}
