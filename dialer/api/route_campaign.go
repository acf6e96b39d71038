package api

import (
	"context"
	"net/http"
)

type cdrQuery struct {
	Campaign string `path:"campaign" maxLength:"128" doc:"Name of the campaign"`
	After    string `query:"after" maxLength:"64" doc:"The cursor of the page before; empty for the oldest"`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"At most so many records"`
}

type forecastQuery struct {
	Campaign string `path:"campaign" maxLength:"128" doc:"Name of the campaign"`
	ForecastQuery
}

func (s *Server) campaignRoutes() {
	const tag = "campaigns"
	a := access{role: RoleSupervisor}

	route(s, op(http.MethodGet, "/v1/campaigns", "list-campaigns", tag, "The campaigns", "", a),
		func(ctx context.Context, _ *none) ([]CampaignStatus, error) {
			campaigns, err := s.floor.Campaigns(ctx)
			return each(campaigns), err
		})
	one := func(path, method, id, summary, text string, f func(context.Context, string) (CampaignStatus, error)) {
		route(s, op(method, "/v1/campaigns/{campaign}"+path, id, tag, summary, text, a),
			func(ctx context.Context, in *campaignPath) (CampaignStatus, error) {
				status, err := f(ctx, in.Campaign)
				return status.tidy(), err
			})
	}
	one("", http.MethodGet, "get-campaign", "One campaign", "", s.floor.Campaign)
	one("/start", http.MethodPost, "start-campaign", "Let the campaign dial",
		"It stays started over restarts of the daemon, until it is stopped.", s.floor.StartCampaign)
	one("/stop", http.MethodPost, "stop-campaign", "Stop dialing",
		"No new dial from the answer on; calls in flight go on.", s.floor.StopCampaign)

	route(s, op(http.MethodGet, "/v1/campaigns/{campaign}/explanation", "explain-campaign", tag, "Why it dials as it does",
		"What is dialed now, which limit binds, and the facts that the decision rests on.", a),
		func(ctx context.Context, in *campaignPath) (Explanation, error) {
			e, err := s.floor.Explain(ctx, in.Campaign)
			return e.tidy(), err
		})
	route(s, op(http.MethodGet, "/v1/campaigns/{campaign}/forecast", "forecast-campaign", tag, "How long its list takes",
		"By hour, and when it is done, with intervals that hold with a probability of 90 %. See Forecast in the README.", a),
		func(ctx context.Context, in *forecastQuery) (Forecast, error) {
			return s.floor.Forecast(ctx, in.Campaign, in.ForecastQuery)
		})
	route(s, op(http.MethodGet, "/v1/campaigns/{campaign}/cdrs", "list-cdrs", tag, "Call detail records",
		"Oldest first; go on with the cursor in next.", a),
		func(ctx context.Context, in *cdrQuery) (CDRPage, error) {
			page, err := s.floor.CDRs(ctx, in.Campaign, in.After, in.Limit)
			return page.tidy(), err
		})
}
