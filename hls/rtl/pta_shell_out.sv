// AXI4-Stream output of a core: puts the tensors of each sample one after the
// other, TLAST with the last beat of the last sample.
//
// Ports: in: N streams of 64-bit beats; tensor t has BEATS[32 t +: 32] beats a
// sample. out: 64 bits and out_last. `start` (one cycle) lets `samples` samples
// out. sample_done, all_done: in the cycle in which the last beat of a sample,
// of the last sample, is taken.
// Timing: a beat leaves 1 cycle after it came; interval 1 cycle a beat.
// Resources: 200 + N FF, about 120 + 32 N LUT.
`default_nettype none
module pta_shell_out #(
    parameter N = 1,
    parameter [32*N-1:0] BEATS = 32'd1
) (
    input  wire            clk, rst,
    input  wire            start,
    input  wire [31:0]     samples,
    input  wire [64*N-1:0] in_data,
    input  wire [N-1:0]    in_valid,
    output wire [N-1:0]    in_ready,
    output wire [63:0]     out_data,
    output wire            out_valid, out_last,
    input  wire            out_ready,
    output wire            sample_done, all_done
);
    reg active;
    reg [31:0] samples_left, beats_left; // without this one
    reg [N-1:0] tensor;                  // one bit is 1

    wire room;
    assign in_ready = tensor & {N{active && room}};
    wire valid = active && |(tensor & in_valid);
    wire take = valid && room;

    wire tensor_ends = beats_left == 0;
    wire sample_ends = tensor_ends && tensor[N-1];
    wire last = sample_ends && samples_left == 0;
    wire [N-1:0] next;
    generate if (N == 1) begin : one
        assign next = 1'b1;
    end else begin : several
        assign next = {tensor[N-2:0], tensor[N-1]};
    end endgenerate

    // Beats of the tensor after this one, less 1; and this one's data.
    reg [31:0] next_beats;
    reg [63:0] data;
    integer t;
    always @* begin
        next_beats = 0;
        data = 0;
        for (t = 0; t < N; t = t + 1) begin
            if (next[t]) next_beats = BEATS[32*t +: 32] - 1;
            if (tensor[t]) data = data | in_data[64*t +: 64];
        end
    end

    always @(posedge clk) begin
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
        end
    end

    wire out_sample;
    pta_skid #(.W(66)) skid (
        .clk(clk), .rst(rst), .in_data({sample_ends, last, data}),
        .in_valid(valid), .in_ready(room),
        .out_data({out_sample, out_last, out_data}), .out_valid(out_valid),
        .out_ready(out_ready));
    assign sample_done = out_valid && out_ready && out_sample;
    assign all_done = out_valid && out_ready && out_last;
endmodule
`default_nettype wire
