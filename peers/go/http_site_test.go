package main

import "testing"

func TestPathsAreTakenFromTargetsAsTheyCame(t *testing.T) {
	for target, path := range map[string]string{
		"/a%20b?x=/y":       "/a%20b",
		"//x":               "//x",
		"http://h:1/p?q":    "/p",
		"http://h":          "/",
		"http://h?q/r":      "/",
		"/see?http://h/etc": "/see",
		"h:80":              "h:80", // authority-form has no path
	} {
		if got := pathOf(target); got != path {
			t.Errorf("the path of %s is %s, not %s", target, got, path)
		}
	}
}

func TestEntityTagsMatchWeakly(t *testing.T) {
	for _, check := range []struct {
		list, etag string
		match      bool
	}{
		{`"a"`, `"a"`, true},
		{`W/"a"`, `"a"`, true},
		{`"a"`, `W/"a"`, true},
		{`"x", W/"y" ,"a"`, `"a"`, true},
		{`"x,\"a\""`, `"a"`, false},
		{`"b,c"`, `"b,c"`, true},
		{`"b,c"`, `"c"`, false},
		{`*`, `"a"`, true},
		{`a`, `"a"`, false},
		{`"a`, `"a"`, false},
		{``, `"a"`, false},
		{`, ,"a"`, `"a"`, true},
	} {
		if got := matches(check.list, check.etag); got != check.match {
			t.Errorf("If-None-Match: %s against %s is %v", check.list, check.etag, got)
		}
	}
}

func TestSiteFindsAnswers(t *testing.T) {
	get := &resource{method: "GET", status: 200, etag: `"a"`}
	content := site{"/p": {get, {method: "POST", status: 201}}}
	for _, check := range []struct {
		method, target, ifNoneMatch string
		status                      int
		allow                       string
	}{
		{"GET", "/p?q", "", 200, ""},
		{"HEAD", "/p", "", 200, ""},
		{"GET", "/p", `"a"`, 304, ""},
		{"HEAD", "/p", `*`, 304, ""},
		{"POST", "/p", `"a"`, 201, ""},
		{"PUT", "/p", "", 405, "GET, HEAD, OPTIONS, POST"},
		{"OPTIONS", "/p", "", 204, "GET, HEAD, OPTIONS, POST"},
		{"OPTIONS", "*", "", 204, "GET, HEAD, OPTIONS, POST"},
		{"OPTIONS", "/q", "", 404, ""},
		{"GET", "/P", "", 404, ""},
		{"GET", "*", "", 404, ""},
	} {
		got := content.find(check.method, check.target, check.ifNoneMatch)
		if got.status != check.status || got.allow != check.allow {
			t.Errorf("%s %s is answered %d, Allow %q", check.method, check.target, got.status, got.allow)
		}
	}
}
