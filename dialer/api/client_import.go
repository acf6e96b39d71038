package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// ImportLeads sends a CSV file and tells watch, whose functions may be nil, what
// the daemon tells on the way.
func (c *Client) ImportLeads(ctx context.Context, campaign string, r io.Reader, opts ImportOptions, watch ImportWatch) (ImportResult, error) {
	q := url.Values{"list": {opts.List}}
	if opts.Region != "" {
		q.Set("region", opts.Region)
	}
	if opts.Encoding != "" {
		q.Set("encoding", opts.Encoding)
	}
	for heading, name := range opts.Columns {
		q.Add("column", heading+"="+name)
	}
	resp, err := c.do(ctx, http.MethodPost, path("v1", "campaigns", campaign, "leads")+"?"+q.Encode(), http.Header{
		"Content-Type": {"text/csv"}, "Accept": {ndjson},
		"Expect": {"100-continue"}, // a refusal comes before the file is sent
	}, r)
	if err != nil {
		return ImportResult{}, err
	}
	defer resp.Body.Close()
	lines := json.NewDecoder(resp.Body)
	for {
		var line ImportLine
		if err := lines.Decode(&line); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return ImportResult{}, fmt.Errorf("the import broke off: %w; what was added stays, and importing the file again adds the rest", err)
		}
		switch {
		case len(line.Header) > 0 && watch.Header != nil:
			watch.Header(line.Header)
		case line.Progress != nil && watch.Progress != nil:
			watch.Progress(*line.Progress)
		case line.Reject != nil && watch.Reject != nil:
			watch.Reject(*line.Reject)
		case line.Error != nil:
			return ImportResult{}, c.refusal(line.Error)
		case line.Result != nil:
			return *line.Result, nil
		}
	}
}
