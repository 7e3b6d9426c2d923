// This file owns the site: which resource a request asks for, and which answer
// it gets. It reads and writes no message.
package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

type resourceCommand struct {
	Path   *string         `json:"path"`
	Method *string         `json:"method"`
	Status *int            `json:"status"`
	Fields fieldList       `json:"fields"`
	Body   json.RawMessage `json:"body"`
	Coding string          `json:"coding"`
	ETag   string          `json:"etag"`
}

// resource is what a method on a path answers.
type resource struct {
	method  string
	status  int
	fields  fieldList
	body    recipe
	mirror  bool // the content is that of the request
	chunked bool
	etag    string
}

// site is what is served: the resources of each path, in the order given.
type site map[string][]*resource

func newSite(commands []resourceCommand) (site, error) {
	s := site{}
	for _, command := range commands {
		r, err := command.resource()
		if err != nil {
			return nil, err
		}
		s[*command.Path] = append(s[*command.Path], r)
	}
	return s, nil
}

func (c *resourceCommand) resource() (*resource, error) {
	switch {
	case c.Path == nil:
		return nil, missing("path")
	case c.Method == nil:
		return nil, missing("method")
	case c.Status == nil:
		return nil, missing("status")
	case *c.Status < 200 || *c.Status > 999:
		return nil, badCommand("%d is no final status", *c.Status)
	}
	chunked, err := isChunked(c.Coding)
	if err != nil {
		return nil, err
	}
	r := &resource{method: *c.Method, status: *c.Status, fields: c.Fields, chunked: chunked, etag: c.ETag}
	r.body, r.mirror, err = c.body()
	if err == nil {
		err = c.Fields.check()
	}
	return r, err
}

// body is a payload, "request", or missing.
func (c *resourceCommand) body() (body recipe, mirror bool, err error) {
	text := bytes.TrimSpace(c.Body)
	switch {
	case len(text) == 0 || bytes.Equal(text, []byte("null")):
		return recipe{}, false, nil
	case bytes.Equal(text, []byte(`"request"`)):
		return recipe{}, true, nil
	}
	var payload payloadCommand
	if err := decode(text, &payload); err != nil {
		return recipe{}, false, err
	}
	body, err = payload.recipe()
	return body, false, err
}

func isChunked(coding string) (bool, error) {
	switch coding {
	case "", "length":
		return false, nil
	case "chunked":
		return true, nil
	}
	return false, badCommand("a coding is \"length\" or \"chunked\", not %q", coding)
}

// answer is what a request gets. allow is the value of Allow; "": none.
type answer struct {
	status   int
	allow    string
	resource *resource // nil: the answer has no content
}

// find answers a method on a request-target; ifNoneMatch is the list value of
// the field, "" when it is absent.
func (s site) find(method, target, ifNoneMatch string) answer {
	if method == http.MethodOptions && target == "*" {
		return answer{status: http.StatusNoContent, allow: s.allowEverywhere()}
	}
	resources, found := s[pathOf(target)]
	if !found {
		return answer{status: http.StatusNotFound}
	}
	r := choose(resources, method)
	switch {
	case r == nil && method == http.MethodOptions:
		return answer{status: http.StatusNoContent, allow: allow(resources)}
	case r == nil:
		return answer{status: http.StatusMethodNotAllowed, allow: allow(resources)}
	case isReading(method) && r.etag != "" && matches(ifNoneMatch, r.etag):
		return answer{status: http.StatusNotModified, resource: r}
	}
	return answer{status: r.status, resource: r}
}

// pathOf is the path of a target in origin-form or absolute-form, as it came.
func pathOf(target string) string {
	if !strings.HasPrefix(target, "/") {
		if _, rest, absolute := strings.Cut(target, "://"); absolute {
			target = "/"
			if slash := strings.IndexAny(rest, "/?"); slash >= 0 && rest[slash] == '/' {
				target = rest[slash:]
			}
		}
	}
	path, _, _ := strings.Cut(target, "?")
	return path
}

func isReading(method string) bool {
	return method == http.MethodGet || method == http.MethodHead
}

// choose finds the resource of a method; HEAD is answered as GET.
func choose(resources []*resource, method string) *resource {
	for _, r := range resources {
		if r.method == method {
			return r
		}
	}
	if method == http.MethodHead {
		return choose(resources, http.MethodGet)
	}
	return nil
}

// allow lists the methods of a path: those it has, and those that any has.
func allow(resources []*resource) string {
	methods := []string{http.MethodOptions}
	for _, r := range resources {
		methods = append(methods, r.method)
		if r.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(slices.Compact(methods), ", ")
}

func (s site) allowEverywhere() string {
	var all []*resource
	for _, resources := range s {
		all = append(all, resources...)
	}
	return allow(all)
}

// matches says whether If-None-Match names the entity-tag, by weak comparison
// (RFC 9110 8.8.3.2, 13.1.2).
func matches(list, etag string) bool {
	list = strings.TrimSpace(list)
	if list == "*" {
		return true
	}
	for list != "" {
		var tag string
		if tag, list = nextTag(list); tag != "" && tag == opaque(etag) {
			return true
		}
	}
	return false
}

func opaque(etag string) string { return strings.TrimPrefix(etag, "W/") }

// nextTag cuts the first entity-tag, without W/, off a list. Commas may stand
// inside of the quotes; what is no entity-tag is passed over as "".
func nextTag(list string) (tag, rest string) {
	list = opaque(strings.TrimLeft(list, " \t,"))
	if !strings.HasPrefix(list, `"`) {
		_, rest, _ = strings.Cut(list, ",")
		return "", rest
	}
	end := strings.IndexByte(list[1:], '"')
	if end < 0 {
		return "", ""
	}
	return list[:end+2], list[end+2:]
}
