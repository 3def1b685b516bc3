// Reused engine: a chain of dense layers on one array of multipliers, one layer
// after the other, for the least time of a single sample.
//
// Ports: in: vectors of N elements of W_IN bits, P_IN a beat; out: vectors of M of
// WOUT, P_OUT a beat. Sizes that do not fill the array are padded by zero weights.
//
// Layer l has NG = ceil(N_l / SIMD) groups of columns, MG = ceil(M_l / PE) of rows,
// NG * MG steps, one a cycle: rows outer (groups of outputs are finished one after
// the other) or columns outer (inputs are used as they come, all outputs are
// finished at the end). A step waits only for the group of inputs it reads, so
// layers of alternating order overlap. Step i of all takes word i of the weights.
//
// Memories. W_FILE: STEPS words, weight of row r, column s at bit (s * PE + r) * WW;
// B_FILE: GROUPS words, one for each group of rows of each layer: row r's bias at
// bit r * WACC, plus 2^(shift - 1) where rounding is AP_RND; P_FILE: LAYERS words
//   bits 15:0 NG - 1   31:16 MG - 1   32 columns outer   33 input is signed
//   45:40 shift        95:48 lo       143:96 hi
//   y = clamp((acc + bias) << LEFT >> shift, lo, hi)
// so lo and hi are the format's range, cut by ReLU and its maximum.
//
// Parameters: WX bits of activations (input included), WY >= WX bits of results;
// SIGNED 1: all inputs are signed, else the program says which. IN_ROWS,
// ACT_ROWS: rows of SIMD elements that hold any input vector, written P_IN at a
// time, and any other, PE at a time. ACCS: most MG of a layer with columns outer
// (1 if there is none). PACKED 1: two products a DSP as pta_mvu_packed, LC as there.
// MB: bits of the largest MG. G = gcd(PE, SIMD), G_IN = gcd(P_IN, SIMD);
// PE <= SIMD, P_IN <= SIMD.
//
// Timing: framework/plan/timing_engine.c. A result of a step issued in cycle i can be
// read by a step of cycle i + D, or leaves in cycle i + D; D = AFTER + T + 4.
// Resources: PE * SIMD DSP, packed half of it; STEPS words of PE * SIMD * WW.
`default_nettype none
module pta_engine #(
    parameter LAYERS = 2,
    parameter STEPS = 16,
    parameter GROUPS = 4,
    parameter M = 4,
    parameter N = 8,
    parameter PE = 2,
    parameter SIMD = 4,
    parameter P_IN = 4,
    parameter P_OUT = 2,
    parameter G = 2,
    parameter G_IN = 4,
    parameter W_IN = 8,
    parameter WX = 8,
    parameter SIGNED = 1,
    parameter WY = 8,
    parameter WOUT = 8,
    parameter WW = 8,
    parameter WACC = 24,
    parameter LEFT = 0,
    parameter IN_ROWS = 2,
    parameter ACT_ROWS = 1,
    parameter ACCS = 1,
    parameter MB = 2,
    parameter PACKED = 0,
    parameter LC = 4,
    parameter BLOCK = 0,
    parameter B_BLOCK = 0,
    parameter RAM = 0,
    parameter P_FILE = "p.hex",
    parameter W_FILE = "w.hex",
    parameter B_FILE = "b.hex"
) (
    input  wire                    clk, rst,
    input  wire [P_IN*W_IN-1:0]    in_data,
    input  wire                    in_valid,
    output wire                    in_ready,
    output wire [P_OUT*WOUT-1:0]   out_data,
    output wire                    out_valid,
    input  wire                    out_ready,
    input  wire                    mem_read, w_write, b_write,
    input  wire [31:0]             mem_address,
    input  wire [SIMD*PE*WW-1:0]   w_data,
    output wire [SIMD*PE*WW-1:0]   w_q,
    input  wire [PE*WACC-1:0]      b_data,
    output wire [PE*WACC-1:0]      b_q
);
    localparam LEN = LC < SIMD ? LC : SIMD;
    localparam CHAINS = (SIMD + LEN - 1) / LEN;
    localparam AFTER = (PACKED != 0 ? 4 : 2) + (LEN == 1 ? 0 : LEN);
    localparam ROOM = 1 << $clog2(AFTER + $clog2(CHAINS) + 8);
    localparam XB = SIGNED != 0 ? WX : WX + 1;
    localparam SW = PACKED != 0 ? 18 : XB + WW + $clog2(LEN);
    localparam ROWS = IN_ROWS > ACT_ROWS ? IN_ROWS : ACT_ROWS;
    localparam RB = $clog2(ROWS + 1);
    localparam RB_IN = $clog2(IN_ROWS + 1);
    localparam RB_ACT = $clog2(ACT_ROWS + 1);
    localparam BEATS = (N + P_IN - 1) / P_IN;
    localparam EB = BEATS > 1 ? $clog2(BEATS) : 1;

    wire read_in, read_half, read_signed, in_done, act_done;
    wire [RB-1:0] read_row;

    // The input: two vectors at most, one of them perhaps not whole yet.
    reg [1:0] whole;
    reg [EB-1:0] beat;
    reg in_to, in_from;
    assign in_ready = whole != 2;
    wire push = in_valid && in_ready;
    wire push_end = push && beat == BEATS - 1;
    always @(posedge clk) begin
        if (push) beat <= push_end ? 0 : beat + 1'b1;
        if (push_end) in_to <= !in_to;
        if (in_done) in_from <= !in_from;
        whole <= whole + push_end - in_done;
        if (rst) begin
            beat <= 0;
            in_to <= 1'b0;
            in_from <= 1'b0;
            whole <= 0;
        end
    end
    wire [RB_IN-1:0] in_rows;
    wire [SIMD*W_IN-1:0] in_x;
    pta_engine_buffer #(.UNITS(P_IN/G_IN), .BANKS(SIMD/G_IN), .W(G_IN*W_IN),
                        .ROWS(IN_ROWS)) inputs (
        .clk(clk), .rst(rst), .write(push), .end_vector(push_end), .to(in_to),
        .data(in_data), .rows(in_rows), .from(in_from),
        .row(read_row[RB_IN-1:0]), .q(in_x));

    // Results of one layer, inputs of the next; layer l writes half l % 2.
    wire done, done_end, done_last;
    wire [PE*WY-1:0] results;
    wire keep = done && !done_last;
    reg act_whole, act_to;
    always @(posedge clk) begin
        if (keep && done_end) act_whole <= 1'b1;
        else if (act_done) act_whole <= 1'b0;
        if (done && done_end) act_to <= !done_last && !act_to;
        if (rst) begin
            act_whole <= 1'b0;
            act_to <= 1'b0;
        end
    end
    wire [PE*WX-1:0] kept;
    wire [RB_ACT-1:0] act_rows;
    wire [SIMD*WX-1:0] act_x;
    pta_engine_buffer #(.UNITS(PE/G), .BANKS(SIMD/G), .W(G*WX),
                        .ROWS(ACT_ROWS)) acts (
        .clk(clk), .rst(rst), .write(keep), .end_vector(done_end), .to(act_to),
        .data(kept), .rows(act_rows), .from(read_half),
        .row(read_row[RB_ACT-1:0]), .q(act_x));

    // Steps: which, their inputs and their weights.
    localparam AW = STEPS > 1 ? $clog2(STEPS) : 1;
    wire step_valid, step_first, step_last, step_end, step_signed, pop;
    wire [MB-1:0] step_at;
    wire [AW-1:0] addr;
    pta_engine_steps #(.LAYERS(LAYERS), .STEPS(STEPS), .RB(RB), .MB(MB),
                       .ROOM(ROOM), .P_FILE(P_FILE)) steps (
        .clk(clk), .rst(rst), .in_whole(whole != 0),
        .act_whole(act_whole), .in_rows({{(RB-RB_IN){1'b0}}, in_rows}),
        .act_rows({{(RB-RB_ACT){1'b0}}, act_rows}), .read_in(read_in),
        .read_half(read_half), .read_signed(read_signed), .read_row(read_row),
        .addr(addr),
        .in_done(in_done), .act_done(act_done), .step_valid(step_valid),
        .step_first(step_first), .step_last(step_last), .step_end(step_end),
        .step_signed(step_signed), .step_at(step_at), .pop(pop));

    reg [SIMD*WX-1:0] x;
    wire [SIMD*XB-1:0] x_now;
    wire [SIMD*PE*WW-1:0] w;
    genvar i;
    generate
        for (i = 0; i < SIMD; i = i + 1) begin : lane
            wire [WX-1:0] from_in;
            if (W_IN == WX) begin : same
                assign from_in = in_x[i*W_IN +: W_IN];
            end else begin : extend // by the sign, of which the program knows
                wire sign = read_signed && in_x[i*W_IN + W_IN - 1];
                assign from_in = {{(WX-W_IN){sign}}, in_x[i*W_IN +: W_IN]};
            end
            always @(posedge clk)
                x[i*WX +: WX] <= read_in ? from_in : act_x[i*WX +: WX];
            if (SIGNED != 0) begin : all_signed
                assign x_now[i*XB +: XB] = x[i*WX +: WX];
            end else begin : some
                assign x_now[i*XB +: XB] =
                    {step_signed && x[i*WX + WX - 1], x[i*WX +: WX]};
            end
        end
        for (i = 0; i < PE; i = i + 1) begin : result
            assign kept[i*WX +: WX] = results[i*WY +: WX];
        end
    endgenerate
    pta_ram #(.W(SIMD*PE*WW), .DEPTH(STEPS), .BLOCK(BLOCK), .RAM(RAM),
              .FILE(W_FILE)) weights (
        .clk(clk), .addr(addr), .q(w), .mem_read(mem_read),
        .mem_address(mem_address), .write(w_write), .data(w_data));
    assign w_q = RAM != 0 ? w : 0;

    wire [CHAINS*PE*SW-1:0] parts;
    generate if (PACKED != 0) begin : two
        pta_products_packed #(.PE(PE), .SIMD(SIMD), .WX(XB), .X_SIGNED(1),
            .WW(WW), .LC(LC)) products (
            .clk(clk), .x(x_now), .w(w), .parts(parts));
    end else begin : single
        pta_products #(.PE(PE), .SIMD(SIMD), .WX(XB), .X_SIGNED(1),
            .WW(WW), .LC(LC)) products (
            .clk(clk), .x(x_now), .w(w), .parts(parts));
    end endgenerate
    pta_engine_sums #(.LAYERS(LAYERS), .PE(PE), .PARTS(CHAINS), .SW(SW),
                      .AFTER(AFTER), .WACC(WACC), .LEFT(LEFT), .WY(WY),
                      .GROUPS(GROUPS), .ACCS(ACCS), .MB(MB), .B_BLOCK(B_BLOCK),
                      .RAM(RAM), .P_FILE(P_FILE), .B_FILE(B_FILE)) sums (
        .clk(clk), .rst(rst), .step_valid(step_valid), .step_first(step_first),
        .step_last(step_last), .step_end(step_end), .step_at(step_at),
        .parts(parts), .out_valid(done), .out_end(done_end),
        .out_layer_last(done_last), .out_data(results), .mem_read(mem_read),
        .mem_address(mem_address), .b_write(b_write), .b_data(b_data),
        .b_q(b_q));

    // Results of the last layer; steps are issued so that it never overflows.
    wire [P_OUT*WOUT-1:0] last_results;
    generate for (i = 0; i < P_OUT; i = i + 1) begin : out
        assign last_results[i*WOUT +: WOUT] = results[i*WY +: WOUT];
    end endgenerate
    pta_fifo #(.W(P_OUT*WOUT), .DEPTH(ROOM)) fifo (
        .clk(clk), .rst(rst), .in_data(last_results),
        .in_valid(done && done_last), .in_ready(), .out_data(out_data),
        .out_valid(out_valid), .out_ready(out_ready));
    assign pop = out_valid && out_ready;
endmodule
`default_nettype wire
