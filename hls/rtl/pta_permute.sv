// Axes of an image in another order: out axis i is in axis PERMi (0 rows, 1
// columns, 2 channels).
//
// Ports: in: ROWS x COLS vectors of C elements of W bits, P a beat; out: the
// permuted image, vectors of its last axis, P_OUT a beat.
// A whole image is kept in one half of a memory while the one before it is read
// from the other half, an element a cycle; if channels stay last, P a cycle
// (P_OUT = P then). BLOCK 0: LUT RAM, 1: block RAM.
// Timing: S = ROWS COLS C steps (channels stay last: ROWS COLS ceil(C / P)):
// interval S; latency 2 S + 1 without gearboxes, i.e. if channels stay last or
// P = P_OUT = 1; else some cycles more.
// Resources: memory of 2^ceil(log2(2 S)) steps, 3 steps of FF; the gearboxes.
`default_nettype none
module pta_permute #(
    parameter ROWS = 4,
    parameter COLS = 4,
    parameter C = 4,
    parameter P = 1,
    parameter P_OUT = 1,
    parameter W = 8,
    parameter PERM0 = 1,
    parameter PERM1 = 0,
    parameter PERM2 = 2,
    parameter BLOCK = 0
) (
    input  wire               clk, rst,
    input  wire [P*W-1:0]     in_data,
    input  wire               in_valid,
    output wire               in_ready,
    output wire [P_OUT*W-1:0] out_data,
    output wire               out_valid,
    input  wire               out_ready
);
    localparam WHOLE = PERM2 == 2;
    localparam G = WHOLE ? P : 1;
    localparam CB = WHOLE ? (C + P - 1) / P : C;
    localparam S = ROWS * COLS * CB;
    localparam AW = S > 1 ? $clog2(S) : 1;
    // Size of each axis out, and the step of the address along it.
    localparam N0 = PERM0 == 0 ? ROWS : PERM0 == 1 ? COLS : CB;
    localparam N1 = PERM1 == 0 ? ROWS : PERM1 == 1 ? COLS : CB;
    localparam N2 = PERM2 == 0 ? ROWS : PERM2 == 1 ? COLS : CB;
    localparam STEP0 = PERM0 == 0 ? COLS * CB : PERM0 == 1 ? CB : 1;
    localparam STEP1 = PERM1 == 0 ? COLS * CB : PERM1 == 1 ? CB : 1;
    localparam STEP2 = PERM2 == 0 ? COLS * CB : PERM2 == 1 ? CB : 1;

    wire [G*W-1:0] x, y;
    wire x_valid, x_ready, y_valid, y_ready;
    generate
        if (P == G) begin : plain_in
            assign x = in_data;
            assign x_valid = in_valid;
            assign in_ready = x_ready;
        end else begin : unpack
            pta_gearbox #(.W(W), .C_IN(C), .P_IN(P), .C_OUT(C), .P_OUT(G)) box (
                .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid),
                .in_ready(in_ready), .out_data(x), .out_valid(x_valid),
                .out_ready(x_ready));
        end
        if (P_OUT == G) begin : plain_out
            assign out_data = y;
            assign out_valid = y_valid;
            assign y_ready = out_ready;
        end else begin : pack
            pta_gearbox #(.W(W), .C_IN(N2), .P_IN(G), .C_OUT(N2),
                          .P_OUT(P_OUT)) box (
                .clk(clk), .rst(rst), .in_data(y), .in_valid(y_valid),
                .in_ready(y_ready), .out_data(out_data), .out_valid(out_valid),
                .out_ready(out_ready));
        end
    endgenerate

    // Halves: `filled` ones are to be read.
    reg wr_half, rd_half;
    reg [1:0] filled;
    reg [AW-1:0] wr, rd, rd1, rd0; // rd0, rd1: at the first of axes 1, 2
    reg [$clog2(N0+1)-1:0] i;
    reg [$clog2(N1+1)-1:0] j;
    reg [$clog2(N2+1)-1:0] k;
    wire end_k = k == N2 - 1;
    wire end_j = end_k && j == N1 - 1;
    wire end_i = end_j && i == N0 - 1;
    wire end_wr = wr == S - 1;

    assign x_ready = !filled[wr_half];
    wire push = x_valid && x_ready;
    wire q_free;
    wire issue = filled[rd_half] && q_free;
    always @(posedge clk) begin
        if (push) wr <= end_wr ? 0 : wr + 1'b1;
        if (push && end_wr) begin
            wr_half <= !wr_half;
            filled[wr_half] <= 1'b1;
        end
        if (issue) begin
            k <= end_k ? 0 : k + 1'b1;
            rd <= end_i ? 0 : end_j ? rd0 + STEP0
                : end_k ? rd1 + STEP1 : rd + STEP2;
            if (end_k) begin
                j <= end_j ? 0 : j + 1'b1;
                rd1 <= end_i ? 0 : end_j ? rd0 + STEP0 : rd1 + STEP1;
            end
            if (end_j) begin
                i <= end_i ? 0 : i + 1'b1;
                rd0 <= end_i ? 0 : rd0 + STEP0;
            end
            if (end_i) begin
                rd_half <= !rd_half;
                filled[rd_half] <= 1'b0;
            end
        end
        if (rst) begin
            wr_half <= 1'b0;
            rd_half <= 1'b0;
            filled <= 2'b0;
            wr <= 0;
            rd <= 0;
            rd1 <= 0;
            rd0 <= 0;
            i <= 0;
            j <= 0;
            k <= 0;
        end
    end

    reg [G*W-1:0] q;
    wire [AW:0] wr_at = {wr_half, wr};
    wire [AW:0] rd_at = {rd_half, rd};
    generate if (BLOCK == 0) begin : lut
        (* ram_style = "distributed" *) reg [G*W-1:0] image [0:(2<<AW)-1];
        always @(posedge clk) begin
            if (push) image[wr_at] <= x;
            if (issue) q <= image[rd_at];
        end
    end else begin : block
        (* ram_style = "block" *) reg [G*W-1:0] image [0:(2<<AW)-1];
        always @(posedge clk) begin
            if (push) image[wr_at] <= x;
            if (issue) q <= image[rd_at];
        end
    end endgenerate

    reg q_valid;
    wire skid_ready;
    assign q_free = !q_valid || skid_ready;
    always @(posedge clk)
        if (rst) q_valid <= 1'b0;
        else if (q_free) q_valid <= issue;
    pta_skid #(.W(G*W)) out_skid (
        .clk(clk), .rst(rst), .in_data(q), .in_valid(q_valid),
        .in_ready(skid_ready), .out_data(y), .out_valid(y_valid),
        .out_ready(y_ready));
endmodule
`default_nettype wire
