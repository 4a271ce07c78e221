/// Answers of the provider, in the form of its reference documentation.
///
/// Source: <https://platform.openai.com/docs/api-reference>, read 2026-11-22.
enum Fixtures {
    static let file = """
        {
          "id": "file-abc123",
          "object": "file",
          "bytes": 120000,
          "created_at": 1677610602,
          "expires_at": 1677614202,
          "filename": "mydata.pdf",
          "purpose": "user_data",
          "status": "processed",
          "status_details": null
        }
        """

    static let deleted = #"{"id":"file-abc123","object":"file","deleted":true}"#

    static let list = """
        {"object":"list","data":[
          {"id":"file-2","object":"file","bytes":175,"created_at":1613677385,"filename":"b.jsonl","purpose":"batch"},
          {"id":"file-1","object":"file","bytes":140,"created_at":1613677384,"filename":"a.jsonl","purpose":"batch"}
        ],"first_id":"file-2","last_id":"file-1","has_more":true}
        """

    static let emptyList = #"{"object":"list","data":[],"first_id":"","last_id":"","has_more":false}"#

    static let models = #"{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","owned_by":"openai"}]}"#

    static let completion = #"{"id":"chatcmpl-1","object":"chat.completion","choices":[]}"#

    static func error(
        _ message: String,
        type: String = "invalid_request_error",
        code: String? = nil,
        param: String? = nil
    ) -> String {
        let code = code.map { "\"\($0)\"" } ?? "null"
        let param = param.map { "\"\($0)\"" } ?? "null"
        return #"{"error":{"message":"\#(message)","type":"\#(type)","param":\#(param),"code":\#(code)}}"#
    }
}
