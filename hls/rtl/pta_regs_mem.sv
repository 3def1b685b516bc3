// Part of pta_regs: window to the weight memories, and their CRC-32.
//
// put, word, data: a register write. A memory word is written with its last
// lane, then the address moves on. The CRC takes 8 bits a cycle and begins again
// at word 0. Writes and commands while busy are refused (one cycle).
// Parameters and mem_*: as in pta_regs.
// Resources: about 64 LANES + 140 FF, 64 LANES + 150 LUT.
`default_nettype none
module pta_regs_mem #(
    parameter N_MEM = 1,
    parameter LANES = 1,
    parameter [32*N_MEM-1:0] MEM_DEPTH = 32'd1,
    parameter [16*N_MEM-1:0] MEM_LANES = 16'd1,
    parameter MEM_WAIT = 4
) (
    input  wire                clk, rst, busy,
    input  wire                put,
    input  wire [9:0]          word,
    input  wire [31:0]         data,
    output reg                 refused,
    output wire                working,
    output wire [31:0]         crc,
    output reg  [15:0]         mem_select,
    output reg  [31:0]         mem_address,
    output reg                 mem_write,
    output wire                mem_read,
    output reg  [32*LANES-1:0] mem_data,
    input  wire [32*LANES-1:0] mem_q
);
    // Of the selected memory.
    reg [31:0] depth;
    reg [15:0] lanes;
    integer m;
    always @* begin
        depth = 1;
        lanes = 1;
        for (m = 0; m < N_MEM; m = m + 1)
            if (mem_select == m) begin
                depth = MEM_DEPTH[32*m +: 32];
                lanes = MEM_LANES[16*m +: 16];
            end
    end

    wire lane_put = put && word[9:8] == 2'b01; // 0x400 - 0x7FC
    wire free = !busy && !working;
    wire command = put && word == 10'h082 && data[0] && free;

    function [31:0] crc8; // CRC-32 of 8 more bits, low bit first
        input [31:0] old;
        input [7:0] bits;
        integer i;
        begin
            crc8 = old ^ {24'd0, bits};
            for (i = 0; i < 8; i = i + 1)
                crc8 = (crc8 >> 1) ^ (crc8[0] ? 32'hEDB88320 : 32'd0);
        end
    endfunction

    localparam IDLE = 2'd0, FETCH = 2'd1, SUM = 2'd2;
    reg [1:0] state;
    reg [7:0] wait_left;
    reg [17:0] bytes_left; // of the word, without this one
    reg [32*LANES-1:0] shift;
    reg [31:0] sum;
    assign working = state != IDLE;
    assign mem_read = working;
    assign crc = ~sum;

    wire word_ends = bytes_left == 0;
    wire all_ends = word_ends && mem_address == depth - 1;
    integer l;
    always @(posedge clk) begin
        mem_write <= 1'b0;
        refused <= !free && (lane_put || put && word == 10'h082 && data[0]);
        if (put && word == 10'h080 && free) mem_select <= data[15:0];
        if (put && word == 10'h081 && free) mem_address <= data;
        if (mem_write) mem_address <= mem_address + 1;
        if (lane_put && free) begin
            for (l = 0; l < LANES; l = l + 1)
                if (word[7:0] == l) mem_data[32*l +: 32] <= data;
            mem_write <= word[7:0] == lanes - 1;
        end
        case (state)
            IDLE: if (command) begin
                state <= FETCH;
                mem_address <= 0;
                wait_left <= MEM_WAIT;
                sum <= 32'hFFFFFFFF;
            end
            FETCH: begin
                wait_left <= wait_left - 1;
                shift <= mem_q;
                bytes_left <= 4 * lanes - 1;
                if (wait_left == 0) state <= SUM;
            end
            default: begin
                sum <= crc8(sum, shift[7:0]);
                shift <= shift >> 8;
                bytes_left <= bytes_left - 1;
                wait_left <= MEM_WAIT;
                if (word_ends) begin
                    state <= all_ends ? IDLE : FETCH;
                    mem_address <= mem_address + 1;
                end
            end
        endcase
        if (rst) begin
            state <= IDLE;
            mem_write <= 1'b0;
            refused <= 1'b0;
            mem_select <= 0;
            mem_address <= 0;
        end
    end
endmodule
`default_nettype wire
