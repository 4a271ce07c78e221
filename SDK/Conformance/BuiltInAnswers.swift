import CGantryPlugin

extension BuiltInScripts {
    /// What a provider with OpenAI's wire format answers.
    ///
    /// Source: <https://platform.openai.com/docs/api-reference>, read 2026-11-22.
    static func answerBody(_ kind: Int) -> String {
        switch kind {
        case GANTRY_OP_CREDENTIAL: #"{"access_token":"token-check","expires_in":3600,"token_type":"Bearer"}"#
        case GANTRY_OP_CHAT: chat
        case GANTRY_OP_EMBED:
            """
            {"object":"list","model":"example-model","data":[{"object":"embedding","index":0,"embedding":[0.5,-0.25]}],\
            "usage":{"prompt_tokens":1,"total_tokens":1}}
            """
        case GANTRY_OP_RESPONSES, GANTRY_OP_RESPONSE_GET, GANTRY_OP_RESPONSE_CANCEL: response("completed")
        case GANTRY_OP_RESPONSE_DELETE: #"{"id":"resp_check1","object":"response","deleted":true}"#
        case GANTRY_OP_RESPONSE_ITEMS: #"{"object":"list","data":[],"has_more":false}"#
        case GANTRY_OP_FILE_CREATE, GANTRY_OP_FILE_GET, GANTRY_OP_INPUT_CREATE: file
        case GANTRY_OP_FILE_DELETE: #"{"id":"file-check1","object":"file","deleted":true}"#
        case GANTRY_OP_FILE_LIST, GANTRY_OP_PROBE: #"{"object":"list","data":[\#(file)],"has_more":false}"#
        case GANTRY_OP_BATCH_CREATE, GANTRY_OP_BATCH_GET, GANTRY_OP_BATCH_CANCEL: batch
        case GANTRY_OP_BATCH_LIST: #"{"object":"list","data":[\#(batch)],"has_more":false}"#
        case GANTRY_OP_TUNE_LIST, GANTRY_OP_TUNE_EVENTS, GANTRY_OP_TUNE_CHECKPOINTS:
            #"{"object":"list","data":[\#(job)],"has_more":false}"#
        case GANTRY_OP_TUNE_CREATE...GANTRY_OP_TUNE_RESUME: job
        default: "{}"
        }
    }

    static let chatEvents =
        [
            #"{"role":"assistant","content":""}"#, #"{"content":"Good "}"#, #"{"content":"day"}"#, "{}",
        ].enumerated().map { index, delta in
            """
            data: {"id":"chatcmpl-check1","object":"chat.completion.chunk","created":1795305600,"model":"example-model",\
            "choices":[{"index":0,"delta":\(delta),"finish_reason":\(index == 3 ? #""stop""# : "null")}]}
            """
        } + ["data: [DONE]"]

    static let responseEvents = [
        "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":"
            + response("in_progress") + "}",
        "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,"
            + "\"item_id\":\"msg_check1\",\"output_index\":0,\"content_index\":0,\"delta\":\"Good day\"}",
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":2,\"response\":"
            + response("completed") + "}",
    ]

    private static let chat = """
        {"id":"chatcmpl-check1","object":"chat.completion","created":1795305600,"model":"example-model","choices":\
        [{"index":0,"message":{"role":"assistant","content":"Good day"},"finish_reason":"stop"}],\
        "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}
        """

    private static let file = """
        {"id":"file-check1","object":"file","bytes":5,"created_at":1795305600,"filename":"a.txt",\
        "purpose":"user_data","status":"processed"}
        """

    private static let batch = """
        {"id":"batch_check1","object":"batch","endpoint":"/v1/chat/completions","input_file_id":"file-check1",\
        "completion_window":"24h","status":"in_progress","created_at":1795305600,\
        "metadata":{"gantry":"check-batch"},"request_counts":{"total":2,"completed":0,"failed":0}}
        """

    private static let job = """
        {"id":"ftjob-check1","object":"fine_tuning.job","created_at":1795305600,"model":"example-model",\
        "status":"running","training_file":"file-check1","hyperparameters":{},"result_files":[],"seed":1}
        """

    private static func response(_ status: String) -> String {
        """
        {"id":"resp_check1","object":"response","created_at":1795305600,"model":"example-model","status":"\(status)",\
        "store":false,"output":[{"type":"message","id":"msg_check1","role":"assistant","status":"completed",\
        "content":[{"type":"output_text","text":"Good day","annotations":[]}]}],\
        "usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}
        """
    }
}
