// Adds PARTS signed numbers of SW bits for each of PE rows, part k of row r at bit
// (k * PE + r) * SW: a tree of T = ceil(log2(PARTS)) registers. sums: TW = SW + T
// bits a row. Part of pta_mvu_sums and pta_engine_sums.
//
// Resources: PE (PARTS - 1) adders of up to TW bits.
`default_nettype none
module pta_tree #(
    parameter PE = 2,
    parameter PARTS = 2,
    parameter SW = 18,
    parameter T = $clog2(PARTS),
    parameter TW = SW + T
) (
    input  wire                   clk,
    input  wire [PARTS*PE*SW-1:0] parts,
    output wire [PE*TW-1:0]       sums
);
    // Level 0: the parts; level k: ceil(PARTS / 2^k) sums of neighbours.
    wire [(T+1)*PARTS*PE*TW-1:0] level;
    genvar k, i, r;
    generate
        for (i = 0; i < PARTS; i = i + 1) begin : leaf
            for (r = 0; r < PE; r = r + 1) begin : pe
                wire signed [SW-1:0] part = parts[(i*PE+r)*SW +: SW];
                wire signed [TW-1:0] wide = part;
                assign level[(i*PE+r)*TW +: TW] = wide;
            end
        end
        for (k = 1; k <= T; k = k + 1) begin : tree
            localparam BELOW = (PARTS + (1 << (k-1)) - 1) >> (k-1);
            for (i = 0; i < PARTS; i = i + 1) begin : node
                for (r = 0; r < PE; r = r + 1) begin : pe
                    if (i < (BELOW + 1) / 2) begin : sum
                        localparam FROM = (k-1) * PARTS + 2 * i;
                        reg [TW-1:0] q;
                        if (2 * i + 1 < BELOW) begin : two
                            always @(posedge clk)
                                q <= level[(FROM*PE+r)*TW +: TW]
                                   + level[((FROM+1)*PE+r)*TW +: TW];
                        end else begin : one
                            always @(posedge clk)
                                q <= level[(FROM*PE+r)*TW +: TW];
                        end
                        assign level[((k*PARTS+i)*PE+r)*TW +: TW] = q;
                    end else begin : unused
                        assign level[((k*PARTS+i)*PE+r)*TW +: TW] = 0;
                    end
                end
            end
        end
    endgenerate
    assign sums = level[T*PARTS*PE*TW +: PE*TW];
endmodule
`default_nettype wire
