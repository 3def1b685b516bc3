// AXI4-Stream input of a core: deals the beats of each sample out to its
// tensors, in order, and checks TLAST.
//
// Ports: in: 64 bits and in_last. out: N streams of 64-bit beats with one
// out_data; tensor t has BEATS[32 t +: 32] beats a sample. `start` (one cycle)
// lets `samples` samples in; before and after, in_ready is 0. early, missing
// (one cycle): in_last before the last beat, or absent there.
// Timing: a beat leaves 1 cycle after it came; interval 1 cycle a beat.
// Resources: 200 + 3 N FF, about 120 LUT.
`default_nettype none
module pta_shell_in #(
    parameter N = 1,
    parameter [32*N-1:0] BEATS = 32'd1
) (
    input  wire          clk, rst,
    input  wire          start,
    input  wire [31:0]   samples,
    input  wire [63:0]   in_data,
    input  wire          in_valid, in_last,
    output wire          in_ready,
    output wire [63:0]   out_data,
    output wire [N-1:0]  out_valid,
    input  wire [N-1:0]  out_ready,
    output reg           early, missing
);
    reg active;
    reg [31:0] samples_left, beats_left; // without this one
    reg [N-1:0] tensor;                  // one bit is 1

    wire room;
    assign in_ready = active && room;
    wire take = in_valid && in_ready;

    wire tensor_ends = beats_left == 0;
    wire sample_ends = tensor_ends && tensor[N-1];
    wire last = sample_ends && samples_left == 0;
    wire [N-1:0] next;
    generate if (N == 1) begin : one
        assign next = 1'b1;
    end else begin : several
        assign next = {tensor[N-2:0], tensor[N-1]};
    end endgenerate

    // Beats of the tensor after this one, less 1.
    reg [31:0] next_beats;
    integer t;
    always @* begin
        next_beats = 0;
        for (t = 0; t < N; t = t + 1)
            if (next[t]) next_beats = BEATS[32*t +: 32] - 1;
    end

    always @(posedge clk) begin
        early <= take && in_last && !last;
        missing <= take && !in_last && last;
        if (take) begin
            beats_left <= tensor_ends ? next_beats : beats_left - 1;
            if (tensor_ends) tensor <= next;
            if (sample_ends) samples_left <= samples_left - 1;
            if (last) active <= 1'b0;
        end
        if (start) begin
            active <= 1'b1;
            samples_left <= samples - 1;
            beats_left <= BEATS[31:0] - 1;
            tensor <= 1;
        end
        if (rst) begin
            active <= 1'b0;
            tensor <= 1;
            early <= 1'b0;
            missing <= 1'b0;
        end
    end

    wire [N-1:0] to;
    wire valid;
    pta_skid #(.W(64 + N)) skid (
        .clk(clk), .rst(rst), .in_data({tensor, in_data}),
        .in_valid(in_valid && active), .in_ready(room),
        .out_data({to, out_data}), .out_valid(valid),
        .out_ready(|(to & out_ready)));
    assign out_valid = to & {N{valid}};
endmodule
`default_nettype wire
