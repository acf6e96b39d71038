package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// Events reads the event stream from after the given id ("" is now) and hands each
// event to handle, until ctx is done, handle gives an error, or the stream ends;
// it returns the id to go on after.
func (c *Client) Events(ctx context.Context, after string, handle func(Event) error) (last string, err error) {
	header := http.Header{"Accept": {"text/event-stream"}}
	if after != "" {
		header.Set("Last-Event-ID", after)
	}
	last = after
	resp, err := c.do(ctx, http.MethodGet, "/v1/events", header, nil)
	if err != nil {
		return last, err
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	var data string
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			if ctx.Err() != nil {
				return last, ctx.Err()
			}
			if errors.Is(err, io.EOF) {
				err = nil // the server ended it
			}
			return last, err
		}
		switch field, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ": "); field {
		case "id":
			last = value
		case "data":
			data = value
		case "":
			if data == "" {
				continue
			}
			var e Event
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				return last, err
			}
			data = ""
			if err := handle(e); err != nil {
				return last, err
			}
		}
	}
}
