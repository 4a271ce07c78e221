-- Posts one body again and again; reports what wrk's own text leaves out.
-- Arguments: the file with the body, the bearer token.

function init(args)
    local file = assert(io.open(args[1], "rb"))
    wrk.method = "POST"
    wrk.body = file:read("*a")
    file:close()
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Authorization"] = "Bearer " .. args[2]
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        "result requests=%d microseconds=%d p50=%d p99=%d status_errors=%d socket_errors=%d\n",
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
