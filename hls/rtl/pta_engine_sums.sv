// Back of the reused engine: adds the parts of each row, accumulates, converts to
// the format of the layer. Part of pta_engine, which explains the parameters.
//
// parts: as pta_tree, AFTER cycles after their step. A converted group leaves
// AFTER + T + 2 cycles after its last step: out_valid, out_end with the last group
// of a layer, out_layer_last with the last layer's.
//   y = clamp((acc + bias) << LEFT >> shift, lo, hi), shift, lo, hi of the layer;
// the bias holds the half that rounding adds.
`default_nettype none
module pta_engine_sums #(
    parameter LAYERS = 2,
    parameter PE = 2,
    parameter PARTS = 2,
    parameter SW = 18,
    parameter AFTER = 4,
    parameter WACC = 24,
    parameter LEFT = 0,
    parameter WY = 8,
    parameter GROUPS = 4,   // words of biases
    parameter ACCS = 4,
    parameter MB = 4,
    parameter B_BLOCK = 0,
    parameter RAM = 0,
    parameter P_FILE = "p.hex",
    parameter B_FILE = "b.hex"
) (
    input  wire                   clk, rst,
    input  wire                   step_valid, step_first, step_last, step_end,
    input  wire [MB-1:0]          step_at,
    input  wire [PARTS*PE*SW-1:0] parts,
    output reg                    out_valid, out_end, out_layer_last,
    output wire [PE*WY-1:0]       out_data,
    input  wire                   mem_read, b_write,
    input  wire [31:0]            mem_address,
    input  wire [PE*WACC-1:0]     b_data,
    output wire [PE*WACC-1:0]     b_q
);
    localparam T = $clog2(PARTS);
    localparam TW = SW + T;
    localparam L = AFTER + T; // cycles from step to sum; at least 2
    localparam LB = LAYERS > 1 ? $clog2(LAYERS) : 1;
    localparam GB = GROUPS > 1 ? $clog2(GROUPS) : 1;
    localparam AB = ACCS > 1 ? $clog2(ACCS) : 1;
    localparam WZ = (WACC + LEFT > WY + 1 ? WACC + LEFT : WY + 1) + 1;

    wire [PE*TW-1:0] sums;
    pta_tree #(.PE(PE), .PARTS(PARTS), .SW(SW)) tree (
        .clk(clk), .parts(parts), .sums(sums));

    // What the step was, when its sums are there.
    reg [L-1:0] valids;
    always @(posedge clk) valids <= rst ? 0 : {valids, step_valid};
    wire valid = valids[L-1];
    wire first_next, first, last, last_group;
    wire [MB-1:0] at;
    pta_delay #(.W(1), .N(L-1)) firsts (
        .clk(clk), .in(step_first), .out(first_next));
    pta_delay #(.W(1), .N(1)) firsts_1 (
        .clk(clk), .in(first_next), .out(first));
    pta_delay #(.W(2 + MB), .N(L)) flags (
        .clk(clk), .in({step_last, step_end, step_at}),
        .out({last, last_group, at}));

    // Biases are used in the order of their words, one word a group.
    reg [GB-1:0] group;
    always @(posedge clk)
        if (rst) group <= 0;
        else if (valids[L-2] && first_next)
            group <= group == GROUPS - 1 ? 0 : group + 1'b1;
    wire [PE*WACC-1:0] bias;
    pta_ram #(.W(PE*WACC), .DEPTH(GROUPS), .BLOCK(B_BLOCK), .RAM(RAM),
              .FILE(B_FILE)) biases (
        .clk(clk), .addr(group), .q(bias), .mem_read(mem_read),
        .mem_address(mem_address), .write(b_write), .data(b_data));
    assign b_q = RAM != 0 ? bias : 0;

    // Accumulators, one a group where columns are outer, else word 0.
    reg [PE*WACC-1:0] acc [0:(1<<AB)-1];
    wire [PE*WACC-1:0] old = acc[at[AB-1:0]];
    wire [PE*WACC-1:0] total;
    reg [PE*WACC-1:0] y;
    reg y_valid, y_end;
    always @(posedge clk) begin
        if (valid) acc[at[AB-1:0]] <= total;
        y <= total;
        y_valid <= valid && last && !rst;
        y_end <= last_group;
        out_valid <= y_valid && !rst;
        out_end <= y_end;
    end

    // The layer of y, and of the group after it.
    reg [143:0] layer [0:LAYERS-1];
    initial $readmemh(P_FILE, layer);
    reg [143:0] now;
    reg [LB-1:0] next;
    reg last_layer;
    wire [LB-1:0] load = rst ? 0 : next;
    always @(posedge clk) begin
        if (rst || y_valid && y_end) begin
            now <= layer[load];
            next <= load == LAYERS - 1 ? 0 : load + 1'b1;
            last_layer <= load == LAYERS - 1;
        end
        out_layer_last <= last_layer;
    end

    wire [5:0] shift = now[45:40];
    reg signed [WY:0] lo, hi;
    always @(posedge clk) begin
        lo <= now[48 +: WY + 1];
        hi <= now[96 +: WY + 1];
    end
    genvar r;
    generate for (r = 0; r < PE; r = r + 1) begin : lane
        wire signed [TW-1:0] sum = sums[r*TW +: TW];
        wire signed [WACC-1:0] wide = sum;
        assign total[r*WACC +: WACC] =
            (first ? bias[r*WACC +: WACC] : old[r*WACC +: WACC]) + wide;

        wire signed [WACC-1:0] raw = y[r*WACC +: WACC];
        wire signed [WZ-1:0] up = $signed({{(WZ-WACC){raw[WACC-1]}}, raw}) <<< LEFT;
        reg signed [WZ-1:0] z;
        always @(posedge clk) z <= up >>> shift;
        assign out_data[r*WY +: WY] =
            z > hi ? hi[WY-1:0] : z < lo ? lo[WY-1:0] : z[WY-1:0];
    end endgenerate
endmodule
`default_nettype wire
